/*
 * Calls of more than two, waiting calls and video by consent, through the whole fleet.
 */
import type { CallList, CallReply, CallState } from '@communication-center/contracts';
import { endOf, eventually, Fleet, holds, type Phone, Phones, ringOf, type TestApp } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp();
});

afterEach(() => phones.closeAll());

const connectAll = (...users: string[]) => Promise.all(users.map((user) => phones.connect(app, user)));
const stateOf = (call: { others: { userAlias: string; state: string }[] }, userAlias: string) =>
  call.others.find((other) => other.userAlias === userAlias)?.state;

async function talk(caller: Phone, callee: Phone, callType?: 'audio_upgradable') {
  const call = await caller.center.call([callee.center.userAlias], callType ? { callType } : {});
  const ring = await ringOf(callee);
  await ring.answer();
  await eventually('the caller being connected', () => call.phase === 'connected');
  return { call, ring };
}

async function refusalOf(asked: Promise<unknown>): Promise<string | undefined> {
  return asked.then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code,
  );
}

describe('more people', () => {
  test('are rung in a call that goes on, come, leave, come back, and are put out', async () => {
    const [alice, bob, carol] = (await connectAll('alice', 'bob', 'carol')) as [Phone, Phone, Phone];
    const { call, ring: atBob } = await talk(alice, bob);
    await atBob.add(['carol']);
    const atCarol = await ringOf(carol);
    expect(atCarol.others.map(({ userAlias }) => userAlias)).toEqual(['alice', 'bob']);
    await atCarol.answer();
    await eventually('everyone seeing carol', () => stateOf(call, 'carol') === 'connected' && stateOf(atBob, 'carol') === 'connected');

    await atCarol.hangUp();
    expect(await endOf(atCarol)).toBe('hung_up');
    await holds('the others talking on', () => call.phase === 'connected' && atBob.phase === 'connected', 500);
    await atCarol.join();
    await eventually('carol being back', () => atCarol.phase === 'connected' && stateOf(call, 'carol') === 'connected');

    expect(await refusalOf(atBob.kick('carol'))).toBe('forbidden');
    await call.kick('carol');
    expect(await endOf(atCarol)).toBe('kicked');
    expect(await refusalOf(atCarol.join())).toBe('forbidden');
    await call.ring(['carol']);
    await eventually('carol being rung again', () => atCarol.phase === 'ringing');
    await atCarol.decline();
    await eventually('alice hearing of it', () => stateOf(call, 'carol') === 'gone');

    await call.hangUp();
    expect(await endOf(atBob)).toBe('hung_up');
    expect(carol.incoming).toHaveLength(2);
  });

  test('ring until the ring time they were given is over; the call goes on', async () => {
    const [alice, bob, carol] = (await connectAll('alice', 'bob', 'carol')) as [Phone, Phone, Phone];
    const { call } = await talk(alice, bob);
    await call.add(['carol'], { ringSeconds: 5 });
    expect(await endOf(await ringOf(carol))).toBe('no_answer');
    expect(call.phase).toBe('connected');
  });

  test('who are busy are not rung, and whoever invited hears so', async () => {
    const [alice, bob, carol, dave] = (await connectAll('alice', 'bob', 'carol', 'dave')) as [Phone, Phone, Phone, Phone];
    const { call } = await talk(alice, bob);
    await talk(carol, dave);
    const alerts: string[] = [];
    dave.center.on('busyAlert', ({ callId }) => alerts.push(callId));
    expect(await refusalOf(call.add(['dave']))).toBe('all_callees_busy');
    await eventually('the busy alert', () => alerts.length === 1);
    expect(alerts).toEqual([call.callId]);
    expect(dave.incoming).toHaveLength(1);
  });

  test('a server invites, kicks and ends, in its own name; a repeat with its Idempotency-Key changes nothing', async () => {
    const [alice, bob, carol] = (await connectAll('alice', 'bob', 'carol')) as [Phone, Phone, Phone];
    const { call, ring } = await talk(alice, bob);
    const path = `/v1/calls/${call.callId}`;
    const added = await fleet.rest<CallReply>(
      'POST',
      `${path}/add`,
      app.key,
      { callees: ['carol'] },
      { 'idempotency-key': '"add-carol-1"' },
    );
    expect(added.status).toBe(200);
    const atCarol = await ringOf(carol);
    await atCarol.answer();
    const again = await fleet.rest<CallReply>('POST', `${path}/add`, app.key, { callees: ['carol'] }, { 'idempotency-key': 'add-carol-1' });
    expect(again.body).toEqual(added.body);
    const other = await fleet.rest('POST', `${path}/add`, app.key, { callees: ['bob'] }, { 'idempotency-key': 'add-carol-1' });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_mismatch']);
    expect((await fleet.rest('POST', `${path}/kick`, app.key, { participant: 'carol' })).status).toBe(200);
    expect(await endOf(atCarol)).toBe('kicked');
    expect((await fleet.rest('POST', `${path}/ring`, app.key, { callees: ['zoe'] })).body.code).toBe('unknown_user');
    expect((await fleet.rest('POST', `${path}/end`, await fleet.tokenOf(app, 'alice'), {})).status).toBe(403);
    expect((await fleet.rest('POST', `${path}/end`, app.key, {})).status).toBe(200);
    expect([await endOf(call), await endOf(ring)]).toEqual(['ended_by_server', 'ended_by_server']);
    const wrong = await fleet.rest('POST', `${path}/end`, app.key, {}, { 'idempotency-key': 'x' });
    expect([wrong.status, wrong.body.fields]).toMatchObject([400, [{ field: 'Idempotency-Key' }]]);
  });
});

describe('call waiting', () => {
  beforeEach(async () => {
    app = await fleet.makeApp({ options: { callWaiting: true } });
  });

  test('rings the busy user, who hangs up and answers in one act', async () => {
    const [alice, bob, carol] = (await connectAll('alice', 'bob', 'carol')) as [Phone, Phone, Phone];
    const { call, ring } = await talk(alice, bob);
    const second = await carol.center.call(['bob']);
    expect(second.others).toMatchObject([{ userAlias: 'bob', state: 'ringing', waiting: true }]);
    const waiting = await eventually('the second ring', () => bob.incoming.find(({ callId }) => callId === second.callId));
    expect(waiting.waiting).toBe(true);
    expect(await refusalOf(waiting.answer())).toBe('already_in_call');
    await waiting.answer({ hangUpOther: true });
    expect([await endOf(call), await endOf(ring)]).toEqual(['hung_up', 'hung_up']);
    await eventually('carol being connected', () => second.phase === 'connected' && waiting.phase === 'connected');
  });

  test('is declined, and the call under way goes on', async () => {
    const [alice, bob, carol] = (await connectAll('alice', 'bob', 'carol')) as [Phone, Phone, Phone];
    const { call } = await talk(alice, bob);
    const second = await carol.center.call(['bob']);
    await (await eventually('the second ring', () => bob.incoming.find(({ callId }) => callId === second.callId))).decline();
    expect(await endOf(second)).toBe('declined');
    expect(call.phase).toBe('connected');
    const events = (await carol.center.timeline(second.callId)).events;
    expect(events.map(({ type }) => type)).toContain('call.busy');
  });
});

describe('do not disturb', () => {
  test('keeps every device silent, tells the caller, and leaves a missed call; set and taken back while the fleet runs', async () => {
    const [alice, bob] = (await connectAll('alice', 'bob')) as [Phone, Phone];
    await fleet.makeUser(app, 'bob', { doNotDisturb: true });
    const undisturbed = () => fleet.query('calls', 'SELECT 1 FROM user_settings WHERE app_id = $1 AND do_not_disturb', [app.appId]);
    await eventually('the setting having arrived', async () => (await undisturbed()).length === 1);
    const call = await alice.center.call(['bob']);
    expect(call.end?.reason).toBe('do_not_disturb');
    await eventually('the missed call', async () => (await bob.center.history({ outcome: 'missed' })).calls[0]?.callId === call.callId);
    await holds('bob hearing nothing', () => bob.incoming.length === 0, 500);
    await fleet.makeUser(app, 'bob', { doNotDisturb: false });
    await eventually('the setting being gone', async () => (await undisturbed()).length === 0);
    await alice.center.call(['bob']);
    await ringOf(bob);
  });
});

describe('video by consent', () => {
  test('is asked for, refused, asked for again and accepted', async () => {
    const [alice, bob] = (await connectAll('alice', 'bob')) as [Phone, Phone];
    const { call, ring } = await talk(alice, bob, 'audio_upgradable');
    await call.requestUpgrade();
    await eventually('bob being asked', () => ring.upgradeRequestedBy === 'alice');
    expect(call.upgradeRequestedBy).toBeUndefined();
    await ring.refuseUpgrade();
    await eventually('alice hearing no', () => !call.state.upgrade);
    await call.requestUpgrade();
    await eventually('bob being asked again', () => ring.upgradeRequestedBy === 'alice');
    const upgraded: string[] = [];
    call.on('upgraded', () => upgraded.push('alice'));
    await ring.acceptUpgrade();
    await eventually('both having video', () => call.callType === 'audio_video' && ring.callType === 'audio_video');
    expect(upgraded).toEqual(['alice']);
    expect(await refusalOf(ring.requestUpgrade())).toBe('not_upgradable');
  });
});

describe('the history', () => {
  test('tells how each call went, for whom and on which device, and is asked by user, state, outcome and time', async () => {
    const [alice, bob] = (await connectAll('alice', 'bob')) as [Phone, Phone];
    const { call: answered } = await talk(alice, bob);
    await holds('they talk', () => answered.phase === 'connected', 1100);
    await answered.hangUp();
    const declined = await alice.center.call(['bob']);
    await (await eventually('the second ring', () => bob.incoming.find(({ callId }) => callId === declined.callId))).decline();
    const missed = await alice.center.call(['bob']);
    await missed.hangUp();
    const running = await alice.center.call(['bob']);

    const list = async (query: string, key = app.key) => (await fleet.rest<CallList>('GET', `/v1/calls?${query}`, key)).body.calls;
    const idsOf = (calls: CallState[]) => calls.map(({ callId }) => callId);
    await eventually('all of it', async () => (await list('userAlias=bob')).length === 4);
    // Each call's history is told by itself: a later one may be there first.
    await eventually('three having ended', async () => (await list('status=ended')).length === 3);
    await eventually('the last being under way', async () => (await list('status=ringing'))[0]?.callId === running.callId);
    const all = await list('userAlias=bob');
    expect(idsOf(all)).toEqual([running, missed, declined, answered].map(({ callId }) => callId));
    const bobs = all.map(({ parts }) => parts.find(({ userAlias }) => userAlias === 'bob'));
    expect(bobs.map((part) => part?.outcome)).toEqual([null, 'missed', 'declined', 'answered']);
    expect(bobs[3]?.talkSeconds).toBeGreaterThan(1);
    expect(bobs[3]?.ringSeconds).toBeGreaterThan(0);
    expect(idsOf(await list('userAlias=bob&outcome=missed'))).toEqual([missed.callId]);
    expect(idsOf(await list('outcome=unanswered&userAlias=alice'))).toEqual([missed.callId, declined.callId]);
    expect(idsOf(await list(`status=ended&from=${missed.state.dialedAt}`))).toEqual([missed.callId]);
    expect(idsOf(await list(`to=${declined.state.dialedAt}`))).toEqual([answered.callId]);
    expect(idsOf(await list('userAlias=bob&deviceId=bobs-tablet&outcome=answered_elsewhere'))).toEqual([answered.callId]);
    expect(idsOf(await list('userAlias=bob&deviceId=bobs-tablet&outcome=answered'))).toEqual([]);

    const pages: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { body: CallList } = await fleet.rest<CallList>('GET', `/v1/calls?limit=3${cursor && `&cursor=${cursor}`}`, app.key);
      pages.push(...idsOf(page.body.calls));
      cursor = page.body.nextCursor;
    }
    expect(pages).toEqual(idsOf(all));
    const token = await fleet.tokenOf(app, 'alice');
    expect((await fleet.rest('GET', '/v1/calls?userAlias=bob', token)).status).toBe(403);
    expect((await fleet.rest('GET', '/v1/calls?user=bob', app.key)).body).toMatchObject({ code: 'invalid_request' });
    expect((await fleet.rest('GET', '/v1/calls?outcome=answered_elsewhere', app.key)).body).toMatchObject({ code: 'invalid_request' });
  });
});

describe('who dials each other at once', () => {
  test('three in a circle: nobody is in two calls, and each hears how it went', async () => {
    const circle = (await connectAll('alice', 'bob', 'carol')) as [Phone, Phone, Phone];
    for (let round = 0; round < 5; round += 1) {
      const dials = await Promise.allSettled(
        circle.map(({ center }, index) => center.call([circle[(index + 1) % 3]?.center.userAlias as string])),
      );
      for (const dial of dials) {
        if (dial.status === 'rejected') expect((dial.reason as { code: string }).code).toBe('all_callees_busy');
      }
      await expectNobodyInTwoCalls();
      await hangUpAll();
    }
  });

  test('a storm of 20 who dial whoever they like: nobody is in two calls, nobody is left ringing', async () => {
    const users = Array.from({ length: 20 }, (_, index) => `user-${index}`);
    const crowd = await connectAll(...users);
    for (let round = 0; round < 3; round += 1) {
      const dials = await Promise.allSettled(
        crowd.map(({ center }, index) =>
          center.call([users[(index + 1 + ((index * 7 + round) % 19)) % 20] as string], { ringSeconds: 30 }),
        ),
      );
      const refusals = dials.flatMap((dial) => (dial.status === 'rejected' ? [(dial.reason as { code: string }).code] : []));
      expect(
        refusals.every((code) => ['all_callees_busy', 'initiator_busy', 'invalid_request'].includes(code)),
        refusals.join(),
      ).toBe(true);
      await expectNobodyInTwoCalls();
      await hangUpAll();
    }
    await eventually('every phone being quiet', () => crowd.every(({ center }) => center.activeCalls.length === 0), 15_000);
  });

  async function expectNobodyInTwoCalls(): Promise<void> {
    const folded = await foldedOccupancies();
    const lines = await fleet.query<{ name: string }>(
      'calls',
      "SELECT user_alias || ' ' || active_call_id AS name FROM lines WHERE app_id = $1 AND active_call_id IS NOT NULL ORDER BY 1",
      [app.appId],
    );
    expect(lines.map(({ name }) => name)).toEqual(folded.sort());
    expect(new Set(folded.map((name) => name.split(' ')[0])).size).toBe(folded.length);
  }

  /** Who is in which call, by the log itself. */
  async function foldedOccupancies(): Promise<string[]> {
    const made = await fleet.query<{ call_id: string }>('calls', 'SELECT call_id FROM calls WHERE app_id = $1', [app.appId]);
    const states = await Promise.all(
      made.map(async ({ call_id }) => (await fleet.rest<CallState>('GET', `/v1/calls/${call_id}`, app.key)).body),
    );
    return states.flatMap(({ callId, participants }) =>
      participants.filter(({ state }) => state === 'connected').map(({ userAlias }) => `${userAlias} ${callId}`),
    );
  }

  async function hangUpAll(): Promise<void> {
    const running = await fleet.query<{ call_id: string }>('calls', "SELECT call_id FROM calls WHERE app_id = $1 AND status <> 'ended'", [
      app.appId,
    ]);
    await Promise.all(running.map(({ call_id }) => fleet.rest('POST', `/v1/calls/${call_id}/end`, app.key, {})));
  }
});
