/*
 * Order in a call, through the whole fleet: what the initiator does on a device, or a server over REST, is told to every device, webhook
 * and reading; nobody else may; and what is forbidden is in the credentials of whoever it is forbidden to.
 */
import type { Call } from '@communication-center/client';
import type { CallReply, CallState, EndpointView } from '@communication-center/contracts';
import { eventually, Fleet, type Phone, Phones, ringOf, type TestApp, WebhookReceiver } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
});
afterEach(() => phones.closeAll());

const asServer = (path: string, body: object = {}, key = app.key) => fleet.rest<CallReply>('POST', `/v1/calls/${path}`, key, body);

async function refusalOf(asked: Promise<unknown>): Promise<string | undefined> {
  return asked.then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code,
  );
}

/** Alice, who called, and bob, each as they see it. */
async function talk(others: string[] = []): Promise<{ alice: Phone; bob: Phone; call: Call; atBob: Call; callId: string }> {
  for (const userAlias of others) await fleet.makeUser(app, userAlias);
  const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
  const call = await alice.center.call(['bob', ...others]);
  const atBob = await ringOf(bob);
  await atBob.answer();
  await eventually('both being connected', () => call.phase === 'connected' && atBob.phase === 'connected');
  return { alice, bob, call, atBob, callId: call.callId };
}

/** What a reply's media credentials say is forbidden to their bearer. */
function forbiddenIn({ media }: CallReply): unknown {
  const [, payload = ''] = media?.token.split('.') ?? [];
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { grant: { forbidden?: string[] } }).grant.forbidden;
}

test('the initiator mutes and allows, locks and unlocks; every device, webhook, reading and late-comer is told, and a hand goes up', async () => {
  const receiver = await WebhookReceiver.start();
  try {
    receiver.secret = (await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, { url: receiver.url })).body.secret ?? '';
    const { bob, call, atBob, callId } = await talk(['carol']);
    const told: unknown[] = [];
    atBob.on('participantMuted', (...what) => told.push(['muted', ...what]));
    atBob.on('handLowered', (...what) => told.push(['hand lowered', ...what]));
    await call.muteParticipant('bob', { audio: true, video: true });
    await eventually('bob hearing of it', () => atBob.forbidden.audio && atBob.forbidden.video);
    expect(told.splice(0)).toEqual([
      ['muted', 'bob', 'audio', 'alice'],
      ['muted', 'bob', 'video', 'alice'],
    ]);
    expect(() => atBob.setSending('audio', true)).toThrowError(expect.objectContaining({ code: 'media_forbidden', by: 'alice' }));
    const credentials = await asServer(`${callId}/credentials`, { userAlias: 'bob', deviceId: bob.center.deviceId });
    expect(forbiddenIn(credentials.body)).toEqual(['audio', 'video']);
    await call.allowParticipant('bob', { video: true });
    await call.lock();
    await atBob.raiseHand();
    await eventually('alice seeing the hand', () => call.others.some((one) => one.state === 'connected' && one.handRaised));
    await call.lowerHand('bob');
    await eventually('bob seeing it lowered', () => told.length > 0);
    expect(told).toEqual([['hand lowered', 'bob']]);
    const late = await phones.connect(app, 'bob', { deviceId: 'bob-tablet' });
    const [elsewhere] = late.center.callsElsewhere;
    expect([elsewhere?.isLocked, elsewhere?.forbidden]).toEqual([true, { audio: { by: 'alice', since: expect.any(String) } }]);
    await call.unlock();
    await call.hangUp();
    await atBob.hangUp();
    const { body } = await fleet.rest<CallState>('GET', `/v1/calls/${callId}`, app.key);
    expect(body.participants.find(({ userAlias }) => userAlias === 'bob')?.forbidden).toHaveProperty('audio');
    const { events } = (await fleet.rest<{ events: { type: string }[] }>('GET', `/v1/calls/${callId}/timeline`, app.key)).body;
    const types = events.map(({ type }) => type);
    const happened = ['participant_muted', 'participant_unmuted', 'locked', 'hand_raised', 'hand_lowered', 'unlocked'];
    expect(types.filter((type) => happened.includes(type.slice(5)))).toEqual(happened.map((type) => `call.${type}`));
    await eventually('all deliveries', () => receiver.received.length === events.length);
    expect(receiver.received.map(({ body: { type } }) => type)).toEqual(types);
    expect(receiver.received.find(({ body: { type } }) => type === 'call.participant_muted')?.body.data).toMatchObject({
      ...{ userAlias: 'bob', by: 'alice', media: ['audio', 'video'] },
    });
  } finally {
    await receiver.stop();
  }
});

test('a server moderates in its own name, or in the initiator’s; a repeat is the first reply, and nothing that it would not do is done', async () => {
  const { call, atBob, callId } = await talk(['carol']);
  const once = { 'idempotency-key': 'mute-all-once' };
  const muted = await fleet.rest<CallReply>('POST', `/v1/calls/${callId}/mute-all`, app.key, { media: ['video'] }, once);
  expect(muted.status).toBe(200);
  await eventually('both hearing of it', () => call.forbidden.video && atBob.forbidden.video);
  expect([call.forbidden.video?.by, atBob.forbidden.video?.by]).toEqual([null, null]);
  expect((await fleet.rest('POST', `/v1/calls/${callId}/mute-all`, app.key, { media: ['video'] }, once)).body).toEqual(muted.body);
  const other = await fleet.rest('POST', `/v1/calls/${callId}/mute-all`, app.key, { media: ['audio'] }, once);
  expect(other.body.code).toBe('idempotency_mismatch');
  expect((await asServer(`${callId}/allow`, { userAlias: 'alice', participant: 'alice', media: ['video'] })).body).toMatchObject({
    code: 'forbidden',
  });
  expect((await asServer(`${callId}/allow`, { userAlias: 'alice', participant: 'bob', media: ['video'] })).status).toBe(200);
  await eventually('bob hearing of it', () => !atBob.forbidden.video);
  for (const act of ['lock', 'unlock', 'unlock']) expect((await asServer(`${callId}/${act}`)).status, act).toBe(200);
  expect((await asServer(`${callId}/lower-hand`)).body).toMatchObject({ code: 'invalid_request', fields: [{ field: 'participant' }] });
  expect((await asServer(`${callId}/raise-hand`, { userAlias: 'bob' })).status).toBe(200);
  expect((await asServer(`${callId}/lower-hand`, { participant: 'bob' })).status).toBe(200);
  expect((await asServer(`${callId}/mute`, { participant: 'nobody' })).body).toMatchObject({ code: 'not_a_participant' });
  expect((await asServer(`${callId}/mute`, { participant: 'bob', media: ['smell'] })).body).toMatchObject({ code: 'invalid_request' });
  await asServer(`${callId}/end`);
  expect((await asServer(`${callId}/mute`, { participant: 'bob' })).body).toMatchObject({ code: 'already_ended' });
});

test('whoever is in the call and did not make it moderates nobody, over the socket or REST, themselves least of all', async () => {
  const { call, atBob, callId } = await talk(['carol']);
  await call.muteParticipant('bob');
  const token = await fleet.tokenOf(app, 'bob');
  const tried = [
    atBob.allowParticipant('bob'),
    atBob.muteParticipant('alice'),
    atBob.muteAll(),
    atBob.lock(),
    atBob.unlock(),
    atBob.lowerHand('alice'),
  ];
  expect(await Promise.all(tried.map(refusalOf))).toEqual(tried.map(() => 'forbidden'));
  for (const [act, body] of Object.entries({ allow: { participant: 'bob' }, 'mute-all': {}, lock: {}, unlock: {} }))
    expect((await asServer(`${callId}/${act}`, body, token)).body, act).toMatchObject({ code: 'forbidden' });
  expect((await fleet.rest('GET', `/v1/calls/${callId}`, app.key)).body).toMatchObject({ sequence: call.state.sequence });
  await call.hangUp();
});

test('nobody more comes into a call that is locked; whoever was in it comes back, as muted as before', async () => {
  const { call, atBob, callId } = await talk(['dave', 'eve']);
  await fleet.makeUser(app, 'frank');
  const carol = await phones.connect(app, 'carol');
  await call.add(['carol']);
  const atCarol = await ringOf(carol);
  await asServer(`${callId}/decline`, { userAlias: 'dave' });
  await call.lock();
  await eventually('bob hearing of it', () => atBob.isLocked);
  expect(await refusalOf(atBob.ring(['dave']))).toBe('call_locked');
  expect((await asServer(`${callId}/add`, { callees: ['frank'] })).body).toMatchObject({ code: 'call_locked' });
  expect((await asServer(`${callId}/join`, { userAlias: 'dave', deviceId: 'desk' })).body).toMatchObject({ code: 'call_locked' });
  // Whoever rings had been let in before.
  await atCarol.answer();
  await call.muteParticipant('carol');
  await eventually('carol hearing of it', () => atCarol.forbidden.audio);
  await atCarol.hangUp();
  await atCarol.join();
  await eventually('carol being back', () => atCarol.phase === 'connected');
  expect(atCarol.forbidden.audio?.by).toBe('alice');
  await call.unlock();
  expect((await asServer(`${callId}/join`, { userAlias: 'dave', deviceId: 'desk' })).status).toBe(200);
  await asServer(`${callId}/end`);
});
