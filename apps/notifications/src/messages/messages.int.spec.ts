/*
 * People are told by the rules of their app, once, until they were reached: on a real PostgreSQL and Redis, through a mail server that refuses what a real
 * one refuses.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { AppId, RuleBody, UserAlias } from '@communication-center/contracts';
import { eventually, holds } from '@communication-center/testing';
import { expect, test as withoutParts } from 'vitest';
import { callOf, demo, dialed, missed, Telling } from './messages.fixture.js';

const bob = 'bob' as UserAlias;

/** Each test has parts of its own, and they run beside each other: most of them wait. */
const parts = withoutParts.extend<{ telling: Telling }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from it what is needed.
  telling: async ({}, use) => {
    const telling = await Telling.start();
    await use(telling);
    expect(telling.failed).toEqual([]);
    await telling.stop();
  },
});
const test = parts.concurrent;

const hear = (replica: ReturnType<Telling['replica']>, ...events: unknown[]) => replica.tell({ topic: 'calls.events', events } as never);
const ended = (telling: Telling) =>
  eventually('the end of each chain', async () => (await telling.chains()).every(({ state }) => state === 'ended'), 15_000);
const rule = (more: Partial<RuleBody>): RuleBody => ({
  ...{ enabled: true, on: 'call.missed', to: { kind: 'callee' }, when: {}, withinSeconds: 3600 },
  steps: [{ afterSeconds: 0, channel: 'email', template: 'missed-call' }],
  ...more,
});
const register = (telling: Telling, kind = 'fcm') =>
  telling.registrations.register(demo, bob, { deviceId: 'phone', target: { kind, token: 'a'.repeat(64) } } as never);

test('a missed call is told once, signed and with the way to end such e-mails, though the log repeats it to two replicas', async ({
  telling,
}) => {
  await telling.contact('bob', { locale: 'de-AT', time_zone: 'Asia/Tokyo' });
  const [one, other] = [telling.replica(), telling.replica()];
  const event = callOf()('call.missed', missed());
  await Promise.all([hear(one, event, event), hear(other, event)]);
  await ended(telling);
  await holds('no second e-mail', () => telling.smtp.mails.length === 1, 500);
  const [mail] = telling.smtp.mails;
  expect(mail?.subject).toBe('Anruf von alice verpasst');
  expect(mail?.text).toContain('Hallo BOB,');
  expect(mail?.text).toMatch(/(GMT\+9|JST)/);
  expect(mail?.from?.text).toBe('"Shop" <calls@shop.example>');
  expect(mail?.signed).toEqual(expect.arrayContaining(['from', 'list-unsubscribe', 'list-unsubscribe-post']));
  expect(mail?.headers.get('list')).toMatchObject({
    unsubscribe: { url: expect.stringContaining('https://center.example.com/v1/unsubscribe/') },
  });
  expect(await telling.sent()).toMatchObject([{ channel: 'email', state: 'accepted', rule_id: 'missed-call' }]);
});

test('whoever is online is told nothing, and who has no address is on record as such', async ({ telling }) => {
  await telling.contact('bob');
  await telling.online('bob');
  await telling.contact('carol', { email: null });
  const replica = telling.replica();
  await hear(replica, callOf()('call.missed', missed()), callOf()('call.missed', { ...missed(), userAlias: 'carol' }));
  await ended(telling);
  const chains = await telling.chains();
  expect(chains.map(({ outcome, reason }) => `${outcome}: ${reason}`).sort()).toEqual([
    'done: the user has no e-mail address',
    'not_wanted: offline is false',
  ]);
  expect(await telling.sent()).toMatchObject([{ state: 'cancelled', reason: 'the user has no e-mail address' }]);
  expect(await telling.events()).toMatchObject([{ type: 'notification.cancelled', data: { userAlias: 'carol', channel: 'email' } }]);
  expect(telling.smtp.asked).toBe(0);
});

test('a mail server that puts off is asked again in its time; an address that it refuses for good is not tried the next time', async ({
  telling,
}) => {
  await telling.contact('bob');
  await telling.contact('carol', { email: 'nobody@example.com' });
  telling.smtp.putsOff = 2;
  const replica = telling.replica();
  await hear(replica, callOf()('call.missed', missed()), callOf()('call.missed', { ...missed(), userAlias: 'carol' }));
  await ended(telling);
  expect(telling.smtp.mails).toHaveLength(1);
  expect((await telling.sent()).map(({ state, reason }) => `${state} ${reason ?? ''}`).sort()).toEqual([
    'accepted ',
    expect.stringContaining("failed Can't send mail - all recipients were rejected: 550 5.1.1"),
  ]);
  const before = telling.smtp.asked;
  await hear(replica, callOf()('call.missed', { ...missed(), userAlias: 'carol' }));
  await ended(telling);
  expect(telling.smtp.asked).toBe(before);
  expect((await telling.chains()).at(-1)?.reason).toContain('the address was refused for good');
});

test('a chain ends when the user answers while a step waits; devices that rang count as reached', async ({ telling }) => {
  await telling.contact('bob');
  const steps = [{ afterSeconds: 3, channel: 'email' as const, template: 'missed-call' }];
  await telling.rules.save(demo, 'nobody-rings', rule({ on: 'call.dialed', when: { noDeviceReached: true }, steps }));
  const replica = telling.replica();
  const [answered, rang, silent] = [callOf(), callOf(), callOf()];
  await hear(replica, answered('call.dialed', dialed), rang('call.dialed', dialed), silent('call.dialed', dialed));
  await hear(
    replica,
    answered('call.answered', { userAlias: 'bob', deviceId: 'd' }),
    rang('call.ringing', { userAlias: 'bob', deviceId: 'd' }),
  );
  await ended(telling);
  const outcomes = (await telling.chains())
    .filter(({ rule_id }) => rule_id === 'nobody-rings')
    .map(({ outcome, reason }) => `${outcome}: ${reason}`);
  expect(outcomes.sort()).toEqual(['done: null', 'not_wanted: noDeviceReached is false', 'reached: took_the_call']);
  expect(telling.smtp.mails).toHaveLength(1);
});

test('a push comes first, and the e-mail after it only to who has not opened it', async ({ telling }) => {
  await telling.contact('bob');
  await register(telling);
  telling.pushes = true;
  const steps = [
    { afterSeconds: 0, channel: 'push' as const, template: 'missed-call' },
    { afterSeconds: 2, channel: 'email' as const, template: 'missed-call' },
  ];
  await telling.rules.save(demo, 'missed-call', rule({ steps }));
  const replica = telling.replica();
  const [one, other] = [callOf(), callOf()];
  await hear(replica, one('call.missed', missed()), other('call.missed', missed()));
  const [opened] = await eventually('both pushes', async () => (await telling.sent()).length === 2 && telling.sent());
  expect(telling.told.map(({ told }) => told)).toMatchObject([{ type: 'notification', title: 'Missed call from alice' }, {}]);
  const id = opened?.notification_id as string;
  await expect(telling.opened(id, { kind: 'user', appId: 'demo', userAlias: 'carol' })).rejects.toThrow('No such notification');
  await telling.opened(id);
  await telling.opened(id);
  await ended(telling);
  expect(telling.smtp.mails).toHaveLength(1);
  expect((await telling.chains()).map(({ outcome }) => outcome).sort()).toEqual(['done', 'reached']);
  const told = (await telling.events()).map(({ type, sequence }) => `${type} ${sequence}`);
  expect(told.sort()).toEqual(['notification.accepted 1', 'notification.accepted 1', 'notification.accepted 1', 'notification.opened 2']);
});

test('the busy are told by push that somebody called; a push that fails falls back at once', async ({ telling }) => {
  await telling.contact('bob');
  await register(telling);
  telling.pushes = true;
  telling.says = async () => ({ outcome: 'dead', reason: '410' });
  const replica = telling.replica();
  await hear(replica, callOf()('call.busy', { userAlias: 'bob' }), callOf()('call.missed', missed()));
  await ended(telling);
  const sent = (await telling.sent()).map(({ rule_id, channel, state }) => `${rule_id} ${channel} ${state}`).sort();
  expect(sent).toContain('busy-alert push failed');
  expect(sent).toContain('missed-call email accepted');
  expect((await telling.schema.query('SELECT 1 FROM push_registrations')).rowCount).toBe(0);
});

test('the wish of a user, and the one click in an e-mail, close the channel', async ({ telling }) => {
  await telling.contact('bob');
  const link = telling.links.linkFor(demo, bob) as string;
  const whose = telling.links.whose(link.slice(link.lastIndexOf('/') + 1));
  expect(whose).toEqual({ appId: 'demo', userAlias: 'bob' });
  expect(telling.links.whose('x'.repeat(80))).toBeUndefined();
  expect(telling.links.whose('x'.repeat(20))).toBeUndefined();
  expect(await telling.preferences.save(demo, bob, { email: false })).toEqual({ userAlias: 'bob', push: true, email: false, sms: true });
  expect(await telling.preferences.save(demo, bob, { push: false })).toMatchObject({ push: false, email: false });
  await hear(telling.replica(), callOf()('call.missed', missed()));
  await ended(telling);
  expect(telling.smtp.asked).toBe(0);
  expect((await telling.chains())[0]?.reason).toBe('the user wishes no e-mails');
});

test('Redis emptied: what waits is queued again, and none is sent twice', async ({ telling }) => {
  const steps = [{ afterSeconds: 2, channel: 'email' as const, template: 'missed-call' }];
  await telling.rules.save(demo, 'missed-call', rule({ steps }));
  await telling.contact('bob');
  const replica = telling.replica();
  await hear(replica, ...Array.from({ length: 5 }, () => callOf()('call.missed', missed())));
  await eventually('the queue in Redis', async () => (await telling.emptyRedis()) > 0);
  expect(await telling.emptyRedis()).toBe(0);
  await eventually('all e-mails', () => telling.smtp.mails.length >= 5, 20_000);
  await ended(telling);
  expect(telling.smtp.mails).toHaveLength(5);
}, 30_000);

test('one that was handed over by who died before noting it is sent again once, and no more', async ({ telling }) => {
  await telling.contact('bob');
  const writer = telling.replica({ works: false });
  await hear(writer, callOf()('call.missed', missed()));
  const id = (await telling.chains()).at(-1)?.message_id as string;
  await telling.schema.query("UPDATE messages SET attempts = 1, next_attempt_at = now() - interval '1 minute' WHERE message_id = $1", [id]);
  await writer.messages.attempt(id, 2);
  expect(telling.smtp.mails).toHaveLength(1);
  await telling.schema.query(
    "UPDATE messages SET state = 'pending', noted = 0, attempts = 2, step = 1, ended_at = NULL WHERE message_id = $1",
    [id],
  );
  await writer.messages.attempt(id, 3);
  expect(telling.smtp.mails).toHaveLength(1);
  expect((await telling.chains()).find(({ message_id }) => message_id === id)).toMatchObject({
    state: 'ended',
    reason: expect.stringContaining('twice'),
  });
});

test('an app whose mail server hangs, with thousands of e-mails to send, keeps no other app waiting', async ({ telling }) => {
  let connections = 0;
  const silent = createServer(() => {
    connections += 1;
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  await telling.credentials.save('loud' as AppId, telling.server({ port }));
  await telling.contact('bob');
  await telling.contact('bob', { app_id: 'loud' });
  const replica = telling.replica();
  const events = Array.from({ length: 3000 }, () => callOf({ appId: 'loud' })('call.missed', missed()));
  await hear(replica, ...events);
  await eventually('the loud app filling its places', () => connections > 0);
  const begun = Date.now();
  await hear(replica, callOf()('call.missed', missed()));
  await eventually('the e-mail of the other', () => telling.smtp.mails.length === 1, 6000);
  expect(Date.now() - begun).toBeLessThan(6000);
  const { rows } = await telling.schema.query<{ count: number }>(
    "SELECT count(*)::int FROM messages WHERE app_id = 'loud' AND state = 'pending'",
  );
  expect(rows[0]?.count).toBeGreaterThan(2900);
  silent.close();
}, 30_000);

test('verify says whether the mail server lets the app in; no host but those of the outside is named, and nothing secret is told', async ({
  telling,
}) => {
  expect(await telling.mail.verify(demo)).toEqual({ outcome: 'accepted' });
  const saved = await telling.credentials.save(demo, telling.server({ password: 'wrong' }));
  expect(JSON.stringify(saved)).not.toContain('wrong');
  expect(JSON.stringify(saved)).not.toContain('PRIVATE');
  expect(await telling.mail.verify(demo)).toMatchObject({ outcome: 'later', reason: expect.stringContaining('535') });
  const guarded = { ...telling.settings, ALLOW_PRIVATE_ADDRESSES: false };
  await expect(
    new (telling.credentials.constructor as new (...all: unknown[]) => typeof telling.credentials)(telling.database, guarded).save(
      demo,
      telling.server(),
    ),
  ).rejects.toThrow('host: use an address of the public internet');
});

test('a rule whose template there is not is refused by name, as one that cannot be filled in is', async ({ telling }) => {
  const steps = [{ afterSeconds: 0, channel: 'email' as const, template: 'nope' }];
  await expect(telling.rules.save(demo, 'mine', rule({ steps }))).rejects.toThrow(
    'steps.0.template: the app has no template nope: save it first',
  );
  const template = { defaultLocale: 'en', locales: { en: { subject: '{{ caler.name }}', text: 't' } } };
  await expect(telling.templates.save(demo, 'nope', template)).rejects.toThrow(/locales\.en\.subject: .*caler.*it may name/);
  await telling.rules.delete(demo, 'missed-call');
  expect((await telling.rules.list(demo)).map(({ ruleId }) => ruleId)).toEqual(['busy-alert']);
});
