/*
 * Calls through the whole fleet, as devices and servers see them.
 */
import type { CallReply, CallState } from '@communication-center/contracts';
import { endOf, eventually, Fleet, holds, Phones, RawSocket, ringOf, type TestApp } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp();
});

afterEach(() => phones.closeAll());

describe('on all devices of the callee', () => {
  test('every device rings; one answers, and the others are told which one', async () => {
    const alice = await phones.connect(app, 'alice');
    const bob = await phones.connect(app, 'bob', { deviceId: 'bob-phone' });
    const tablet = await phones.connect(app, 'bob', { deviceId: 'bob-tablet' });
    const call = await alice.center.call(['bob']);
    const [first, second] = await Promise.all([ringOf(bob), ringOf(tablet)]);
    await eventually('the caller hearing that bob rings', () => call.others.some((other) => other.state === 'ringing' && other.confirmed));
    await first.answer();
    expect(await endOf(second)).toBe('answered_elsewhere');
    expect(second.end?.byDevice).toBe('bob-phone');
    await eventually('the caller being connected', () => call.phase === 'connected');
    await call.hangUp();
    expect([await endOf(call), await endOf(first)]).toEqual(['hung_up', 'hung_up']);
  });

  test('one declines, and the others are told so', async () => {
    const alice = await phones.connect(app, 'alice');
    const bob = await phones.connect(app, 'bob', { deviceId: 'bob-phone' });
    const tablet = await phones.connect(app, 'bob', { deviceId: 'bob-tablet' });
    const call = await alice.center.call(['bob']);
    const [first, second] = await Promise.all([ringOf(bob), ringOf(tablet)]);
    await first.decline({ reason: 'do_not_disturb' });
    expect(await endOf(second)).toBe('declined_elsewhere');
    expect(second.end).toEqual({ reason: 'declined_elsewhere', byDevice: 'bob-phone', declineReason: 'do_not_disturb' });
    expect(await endOf(call)).toBe('declined');
    expect(call.end?.declineReason).toBe('do_not_disturb');
  });

  test('a server declines for the user, and the same is told by devices, state, history and log', async () => {
    const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
    const call = await alice.center.call(['bob']);
    const ring = await ringOf(bob);
    const body = { userAlias: 'bob', reason: 'do_not_disturb' };
    expect((await fleet.rest('POST', `/v1/calls/${call.callId}/decline`, app.key, body)).status).toBe(200);
    const told = { reason: 'declined', byDevice: null, declineReason: 'do_not_disturb' };
    expect([await endOf(ring), ring.end]).toEqual(['declined', told]);
    expect([await endOf(call), call.end]).toEqual(['declined', told]);
    const { body: state } = await fleet.rest<CallState>('GET', `/v1/calls/${call.callId}`, app.key);
    expect(state.participants[1]).toMatchObject({ reason: 'declined', declineReason: 'do_not_disturb' });
    await eventually('the history telling it', async () => {
      const { calls } = await bob.center.history({ outcome: 'declined' });
      const part = calls[0]?.parts.find(({ userAlias }) => userAlias === 'bob');
      return part?.reason === 'declined' && part.declineReason === 'do_not_disturb';
    });
    const { events } = await alice.center.timeline(call.callId);
    const given = events.flatMap((event) => (event.type === 'call.declined' ? [event.data.reason] : []));
    const ended = events.flatMap((event) => (event.type === 'call.ended' ? [event.data.declineReason] : []));
    expect([given, ended]).toEqual([['do_not_disturb'], ['do_not_disturb']]);
  });

  test('one ignores, and the others ring on', async () => {
    const alice = await phones.connect(app, 'alice');
    const [bob, tablet] = [await phones.connect(app, 'bob'), await phones.connect(app, 'bob')];
    await alice.center.call(['bob']);
    const [first, second] = await Promise.all([ringOf(bob), ringOf(tablet)]);
    await first.ignore();
    expect(first.phase).toBe('ended');
    await second.answer();
    await eventually('the other device being connected', () => second.phase === 'connected');
  });
});

describe('busy', () => {
  test('a third caller hears busy at once, and the missed call stays on record', async () => {
    const [alice, bob, carol] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob'), await phones.connect(app, 'carol')];
    const call = await alice.center.call(['bob']);
    await (await ringOf(bob)).answer();
    const refused = await carol.center.call(['bob']).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: 'all_callees_busy' });
    const { callId } = refused as { callId: string };
    expect((await carol.center.timeline(callId)).events.map(({ type }) => type)).toEqual([
      'call.dialed',
      'call.busy',
      'call.missed',
      'call.ended',
    ]);
    await expect(alice.center.call(['carol'])).rejects.toMatchObject({ code: 'initiator_busy' });
    await call.hangUp();
    await endOf(call);
    expect((await carol.center.call(['bob'])).phase).toBe('dialing');
  });

  test('whoever does not want to be disturbed is not rung', async () => {
    await fleet.makeUser(app, 'bob', { doNotDisturb: true });
    const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
    const call = await alice.center.call(['bob']);
    expect(call.end).toEqual({ reason: 'do_not_disturb', byDevice: null });
    expect(bob.incoming).toEqual([]);
  });

  test('two who dial each other at the same moment are connected, in one call', async () => {
    const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
    for (let round = 0; round < 5; round += 1) {
      const [one, other] = await Promise.all([alice.center.call(['bob']), bob.center.call(['alice'])]);
      expect(other.callId).toBe(one.callId);
      await eventually('both being connected', () => one.phase === 'connected' && other.phase === 'connected');
      await one.hangUp();
      await Promise.all([endOf(one), endOf(other)]);
    }
  });
});

describe('first answer wins', () => {
  test('50 devices answer at once: exactly one is in the call', async () => {
    const alice = await phones.connect(app, 'alice');
    await fleet.makeUser(app, 'bob');
    const call = await alice.center.call(['bob']);
    const token = await fleet.tokenOf(app, 'bob');
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        fleet.rest<CallReply & { code: string }>('POST', `/v1/calls/${call.callId}/answer`, token, { deviceId: `device-${index}` }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === 'already_answered')).toHaveLength(49);
    const timeline = await alice.center.timeline(call.callId);
    expect(timeline.events.filter(({ type }) => type === 'call.answered')).toHaveLength(1);
  });
});

describe('a command that is sent again', () => {
  test('gets the first reply and happens once, over the socket', async () => {
    await fleet.makeUser(app, 'bob');
    const socket = await RawSocket.open(fleet);
    socket.send({
      type: 'connect',
      id: 'c',
      appId: app.appId,
      userAlias: 'alice',
      deviceId: 'raw',
      token: await fleet.tokenOf(app, 'alice'),
    });
    await socket.frame('connected');
    const dial = { type: 'dial', commandId: 'the-same-command', callees: ['bob'] };
    socket.send({ ...dial, id: 1 });
    socket.send({ ...dial, id: 2 });
    const [first, second] = await Promise.all([socket.frame('reply', ({ id }) => id === 1), socket.frame('reply', ({ id }) => id === 2)]);
    expect(second.result.callId).toBe(first.result.callId);
    expect(second.result.call).toEqual(first.result.call);
    socket.send({ ...dial, callees: ['alice', 'bob'], id: 3 });
    expect((await socket.frame('error', ({ id }) => id === 3)).error.code).toBe('idempotency_mismatch');
    socket.close();
  });

  test('is refused again as it was refused first', async () => {
    await fleet.makeUser(app, 'bob');
    const token = await fleet.tokenOf(app, 'alice');
    const dial = () => fleet.rest('POST', '/v1/calls', token, { commandId: 'dial-myself', deviceId: 'd', callees: ['alice'] });
    expect((await dial()).body).toMatchObject({ code: 'invalid_request' });
    expect((await dial()).body).toMatchObject({ code: 'invalid_request' });
  });
});

describe('over REST', () => {
  test("a server's call rings its initiator too, and is read back with its timeline and in the history", async () => {
    const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
    const made = await fleet.rest<CallReply>('POST', '/v1/calls', app.key, {
      userAlias: 'alice',
      callees: ['bob'],
      customData: { ticket: 7 },
    });
    expect(made.status).toBe(201);
    const [atAlice, atBob] = await Promise.all([ringOf(alice), ringOf(bob)]);
    await atAlice.answer();
    await atBob.answer();
    await eventually('both being connected', () => atAlice.phase === 'connected' && atBob.phase === 'connected');
    const call = await fleet.rest<CallState>('GET', `/v1/calls/${made.body.callId}`, app.key);
    expect(call.body).toMatchObject({ status: 'connected', customData: { ticket: 7 } });
    expect((await fleet.rest('POST', `/v1/calls/${made.body.callId}/hang-up`, app.key, { userAlias: 'bob' })).status).toBe(200);
    await Promise.all([endOf(atAlice), endOf(atBob)]);
    await eventually('the call in the history', async () => {
      const { body } = await fleet.rest<{ calls: CallState[] }>('GET', '/v1/calls?userAlias=bob', app.key);
      return body.calls[0]?.callId === made.body.callId && body.calls[0]?.status === 'ended';
    });
  });

  test('the history is rebuilt from the log by the operator, row for row', async () => {
    const alice = await phones.connect(app, 'alice');
    await fleet.makeUser(app, 'bob');
    for (let count = 0; count < 3; count += 1) {
      const call = await alice.center.call(['bob']);
      await call.hangUp();
    }
    const history = () => fleet.query('calls', 'SELECT * FROM call_history WHERE app_id = $1 ORDER BY call_id', [app.appId]);
    const before = await eventually('three ended calls', async () => {
      const rows = (await history()) as { call: CallState }[];
      return rows.filter(({ call }) => call.status === 'ended').length === 3 && rows;
    });
    await fleet.query('calls', "UPDATE call_history SET call = jsonb_set(call, '{status}', '\"ringing\"') WHERE app_id = $1", [app.appId]);
    const rebuild = await fleet.rebuild('calls', 'call-history');
    expect(rebuild.folded).toBeGreaterThanOrEqual(9);
    expect(await history()).toEqual(before);
  });
});

test('a device that is in the call and loses every socket is hung up when its grace is over, and not before', async () => {
  const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
  const call = await alice.center.call(['bob']);
  await (await ringOf(bob)).answer();
  await eventually('the caller hearing of it', () => call.phase === 'connected');
  // The user's other device stays: it must not keep the dead call alive.
  await phones.connect(app, 'bob', { deviceId: 'idle-tablet' });
  bob.center.close();
  await holds('the call being up', () => call.phase === 'connected', 3000);
  expect(await endOf(call, 15_000)).toBe('connection_lost');
});
