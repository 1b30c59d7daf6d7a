/*
 * Commands that are carried out together come to what they come to one after the other; none waits, or fails, for another.
 */
import { type CallEvent, type CallId, foldVersion } from '@communication-center/contracts';
import { eventually, Fleet } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Command } from '../domain/commands.js';
import { statesOfCalls } from '../event-store/kept-states.js';
import type { DecisionRoom } from './decision-room.js';
import { makeLines } from './hold.js';
import { app, dialOf, keyOf, phoneOf, Store, user } from './store.fixture.js';

const fleet = new Fleet();
let store: Store;

beforeEach(async () => {
  store = await Store.make(fleet);
});
afterEach(() => store.end());

const answer = (callId: CallId, name: string) => ({ type: 'AnswerCall', callId, userAlias: user(name), deviceId: phoneOf(name) }) as const;
const hangUp = (callId: CallId, name: string) => ({ type: 'HangUp', callId, userAlias: user(name), deviceId: phoneOf(name) }) as const;

test('commands that arrive while others run go together into the next transaction', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `user-${index}`);
  const pairs = names.flatMap((name, index) => (index % 2 === 0 ? [[name, names[index + 1] as string] as const] : []));
  await store.know(names.map((name) => ({ appId: app, userAlias: user(name) })));
  await makeLines(
    store.schema,
    names.map((name) => ({ appId: app, userAlias: user(name) })),
  );
  store.statements.length = 0;
  const replies = await Promise.all(
    pairs.map(async ([from, to], index) => {
      // Some come in a later turn: the first is alone already then.
      if (index > 0) await new Promise((resolve) => setImmediate(resolve));
      return store.room.carryOut({ appId: app, command: dialOf(from, [to]) });
    }),
  );
  expect(replies.map(({ call }) => call?.status)).toEqual(pairs.map(() => 'ringing'));
  expect(store.statements.filter((statement) => statement === 'BEGIN').length).toBeLessThanOrEqual(3);
});

test('a command whose commit got no answer is settled by its id, and carried out once', async () => {
  await store.know([
    { appId: app, userAlias: user('ann') },
    { appId: app, userAlias: user('bob') },
  ]);
  store.loseNextAnswer();
  const reply = await store.room.carryOut({ appId: app, command: dialOf('ann', ['bob']), key: keyOf('once') });
  expect(reply.call?.status).toBe('ringing');
  expect([await store.count('calls'), await store.count('outbox'), await store.count('commands')]).toEqual([1, 1, 1]);
});

test('a command that names somebody unknown is not carried out, makes no line, and says who it is', async () => {
  await store.know([{ appId: app, userAlias: user('ann') }]);
  const failed = store.room.carryOut({ appId: app, command: dialOf('ann', ['nobody']), key: keyOf('once') });
  await expect(failed).rejects.toMatchObject({ users: [{ userAlias: 'nobody' }] });
  expect([await store.count('calls'), await store.count('lines'), await store.count('commands')]).toEqual([0, 0, 0]);
});

test('a whole call in one group is decided in turn, and written once', async () => {
  const made = dialOf('ann', ['bob']);
  await store.carryOut(hangUp(made.callId, 'ann'));
  const call = await store.dial('ann', ['bob']);
  const [answered, again, ended, late] = await store.carryOut(
    answer(call.callId, 'bob'),
    answer(call.callId, 'bob'),
    hangUp(call.callId, 'ann'),
    hangUp(call.callId, 'bob'),
  );
  expect([answered?.call?.status, again?.call?.status, ended?.call?.status]).toEqual(['connected', 'connected', 'ended']);
  expect(late?.problem?.code).toBe('already_ended');
  expect(await store.eventsOf(call.callId)).toEqual(['call.dialed', 'call.answered', 'call.hung_up', 'call.ended']);
  expect(await statesOfCalls(store.schema, app, [call.callId])).toEqual([ended?.call]);
  expect([await store.count('rings'), await store.count('deadlines')]).toEqual([0, 0]);
  expect(await store.count('outbox')).toBe(4);
});

test('two who dial each other in one group are connected to the same call', async () => {
  await store.dial('ann', ['cat']).then(({ callId }) => store.carryOut(hangUp(callId, 'ann')));
  await store.dial('bob', ['cat']).then(({ callId }) => store.carryOut(hangUp(callId, 'bob')));
  const first = dialOf('ann', ['bob']);
  const [rang, answered] = await store.carryOut(first, dialOf('bob', ['ann']));
  expect(rang?.call).toMatchObject({ callId: first.callId, status: 'ringing' });
  expect(answered?.call).toMatchObject({ callId: first.callId, status: 'connected' });
});

test('hanging up one call to answer another frees and claims a line in the same act', async () => {
  const active = await store.dial('ann', ['bob']);
  await store.carryOut(answer(active.callId, 'bob'));
  const waiting = await store.dial('cat', ['bob'], { callWaiting: true });
  const [reply] = await store.carryOut({ ...answer(waiting.callId, 'bob'), hangUpOther: true });
  expect(reply?.call?.status).toBe('connected');
  const { rows } = await store.schema.query("SELECT active_call_id FROM lines WHERE user_alias IN ('ann', 'bob') ORDER BY user_alias");
  expect(rows).toEqual([{ active_call_id: null }, { active_call_id: waiting.callId }]);
});

test('a repeated command gets its first reply, also beside itself, and its id means nothing else', async () => {
  const dial = { appId: app, command: dialOf('ann', ['bob']), key: keyOf('once') };
  const other = { ...dial, command: dialOf('cat', ['dan']), key: keyOf('once', 'other') };
  const [first, beside, mismatch] = await store.carryOut(dial, { ...dial, command: dialOf('ann', ['bob']) }, other);
  const [later] = await store.carryOut({ ...dial, command: dialOf('ann', ['bob']) });
  expect([beside, later]).toEqual([first, first]);
  expect(mismatch?.problem?.code).toBe('idempotency_mismatch');
  expect(await store.count('calls')).toBe(1);
});

test('the same command on two replicas at the same moment is carried out once', async () => {
  await store.know([user('ann'), user('bob')].map((userAlias) => ({ appId: app, userAlias })));
  const dials = Array.from({ length: 8 }, () => ({ appId: app, command: dialOf('ann', ['bob']), key: keyOf('once') }));
  const replies = await Promise.all(dials.map((dial, index) => (index % 2 ? store.room : store.otherRoom).carryOut(dial)));
  expect(new Set(replies.map(({ call }) => call?.callId)).size).toBe(1);
  expect(await store.count('calls')).toBe(1);
});

test('two replicas whose groups race for the same people leave everyone in one call at most, and rung by what rings', async () => {
  const names = ['ann', 'bob', 'cat', 'dan', 'eve'];
  await store.know(names.map((name) => ({ appId: app, userAlias: user(name) })));
  const some = (list: readonly string[]) => list[Math.floor(Math.random() * list.length)] as string;
  const calls: CallId[] = [];
  const one = async (room: DecisionRoom) => {
    const [name, other] = [some(names), some(names)];
    const callId = some(calls) as CallId | undefined;
    const made = dialOf(name, [some(names.filter((callee) => callee !== name))], { callWaiting: Math.random() < 0.5 });
    calls.push(made.callId);
    await room.carryOut({ appId: app, command: made });
    if (!callId) return;
    await room.carryOut({ appId: app, command: { ...answer(callId, other), hangUpOther: Math.random() < 0.5 } });
    await room.carryOut({ appId: app, command: hangUp(callId, some(names)) });
  };
  await Promise.all(Array.from({ length: 60 }, (_, index) => one(index % 2 ? store.room : store.otherRoom)));
  const states = await statesOfCalls(store.schema, app, calls);
  const inCall = (state: 'connected' | 'ringing') =>
    states.flatMap(({ callId, participants }) =>
      participants.flatMap((participant) => (participant.state === state ? `${participant.userAlias} ${callId}` : [])),
    );
  const { rows: lines } = await store.schema.query<{ name: string }>(
    "SELECT user_alias || ' ' || active_call_id AS name FROM lines WHERE active_call_id IS NOT NULL",
  );
  const { rows: rings } = await store.schema.query<{ name: string }>("SELECT user_alias || ' ' || call_id AS name FROM rings");
  expect(lines.map(({ name }) => name).toSorted()).toEqual(inCall('connected').toSorted());
  expect(rings.map(({ name }) => name).toSorted()).toEqual(inCall('ringing').toSorted());
  for (const { callId, sequence } of states) expect(await store.eventsOf(callId)).toHaveLength(sequence);
  expect(store.errors).toEqual([]);
});

test('one line that somebody holds delays nobody else of the group', async () => {
  const [held, free] = [await store.dial('ann', ['bob']), await store.dial('cat', ['dan'])];
  const holder = await store.schema.connect();
  await holder.query("BEGIN; SELECT FROM lines WHERE user_alias = 'bob' FOR UPDATE");
  const replies = store.carryOut(answer(held.callId, 'bob'), answer(free.callId, 'dan'));
  await eventually('the other call being answered', async () => (await store.eventsOf(free.callId)).includes('call.answered'));
  expect(await store.eventsOf(held.callId)).toEqual(['call.dialed']);
  await holder.query('COMMIT');
  await holder.end();
  expect((await replies).map(({ call }) => call?.status)).toEqual(['connected', 'connected']);
});

test('a group with a member that breaks falls apart, and only that one fails', async () => {
  const [broken, good] = [await store.dial('ann', ['bob']), await store.dial('cat', ['dan'])];
  await store.schema.query('UPDATE calls SET state = $2 WHERE call_id = $1', [
    broken.callId,
    JSON.stringify({ ...broken, participants: null }),
  ]);
  const [failed, answered] = await Promise.allSettled(
    [answer(broken.callId, 'bob'), answer(good.callId, 'dan')].map((command) => store.room.carryOut({ appId: app, command })),
  );
  expect([failed?.status, answered?.status]).toEqual(['rejected', 'fulfilled']);
  expect(await store.eventsOf(good.callId)).toEqual(['call.dialed', 'call.answered']);
});

test('calls of other apps are not found, and lines of other apps are other lines', async () => {
  const call = await store.dial('ann', ['bob']);
  const elsewhere = 'elsewhere' as typeof app;
  const [unknown, dialed] = await store.carryOut(
    { appId: elsewhere, command: answer(call.callId, 'bob') },
    { appId: elsewhere, command: dialOf('ann', ['bob']) },
  );
  expect(unknown?.problem?.code).toBe('call_not_found');
  expect(dialed?.call?.status).toBe('ringing');
});

test('a state that another version of the fold made, or that misses events, is folded anew, and kept', async () => {
  const call = await store.dial('ann', ['bob']);
  const wrong = JSON.stringify({ ...call, ringSeconds: 7 });
  const spoil = ['fold = 0, state = $2', 'fold = NULL, state = NULL', "state = jsonb_set($2, '{sequence}', '99')"];
  for (const spoilt of spoil) {
    await store.schema.query(`UPDATE calls SET ${spoilt} WHERE call_id = $1 AND $2::jsonb IS NOT NULL`, [call.callId, wrong]);
    expect(await statesOfCalls(store.schema, app, [call.callId])).toEqual([call]);
  }
  const [answered] = await store.carryOut(answer(call.callId, 'bob'));
  expect(answered?.call).toMatchObject({ status: 'connected', ringSeconds: 60, sequence: 2 });
  await store.schema.query('UPDATE events SET data = NULL::json WHERE false');
  const { rows } = await store.schema.query('SELECT fold, state FROM calls');
  expect(rows).toEqual([{ fold: foldVersion, state: answered?.call }]);
});

test('a command reads no history of its call', async () => {
  const call = await store.dial('ann', ['bob', 'cat']);
  await store.carryOut(answer(call.callId, 'bob'));
  store.statements.length = 0;
  await store.carryOut(hangUp(call.callId, 'bob'));
  expect(store.statements.filter((statement) => /FROM events/.test(statement))).toEqual([]);
  expect(store.statements.map((statement) => /\w+_decisions/.exec(statement)?.[0] ?? statement)).toEqual([
    'BEGIN',
    'hold_for_decisions',
    'save_decisions',
    'COMMIT',
  ]);
});

test('whoever would hear of it is told what has happened to a call: once it is committed, of a repeat or a refusal nothing', async () => {
  await store.know(['ann', 'bob', 'cat', 'dan'].map((name) => ({ appId: app, userAlias: user(name) })));
  const heard: string[] = [];
  const hear = async (events: readonly CallEvent[]) => {
    const stored = store.schema.query<{ version: number }>('SELECT version FROM events WHERE call_id = $1', [events[0]?.callid]);
    for (const { type, sequence } of events) heard.push(`${type} ${sequence}`);
    return (await stored).rows;
  };
  const stored: unknown[] = [];
  const asked = (command: Command, key = keyOf(crypto.randomUUID())) =>
    store.room.carryOut({ appId: app, command, key, hear: (events) => stored.push(hear(events)) });
  const once = keyOf('once');
  const [{ call }] = await Promise.all([asked(dialOf('ann', ['bob']), once), asked(dialOf('cat', ['dan']))]);
  const { callId = '' as CallId } = call ?? {};
  await asked(answer(callId, 'bob'));
  await asked(dialOf('ann', ['bob']), once);
  await asked(answer(callId, 'bob'));
  expect(heard).toEqual(['call.dialed 1', 'call.dialed 1', 'call.answered 2']);
  expect((await Promise.all(stored)).map((rows) => (rows as unknown[]).length)).toEqual([1, 1, 2]);
});

test('who hears for many on one call is told once of what they did together', async () => {
  const callees = ['bob', 'cat', 'dan'];
  await store.know(['ann', ...callees].map((name) => ({ appId: app, userAlias: user(name) })));
  const dialed = await store.room.carryOut({ appId: app, command: dialOf('ann', callees) });
  const callId = dialed.call?.callId ?? ('' as CallId);
  const heard: number[][] = [];
  const hear = (events: readonly CallEvent[]) => void heard.push(events.map(({ sequence }) => sequence));
  const ringing = (name: string) => ({ type: 'ConfirmRinging', callId, userAlias: user(name), deviceId: phoneOf(name) }) as const;
  await Promise.all(callees.map((name) => store.room.carryOut({ appId: app, command: ringing(name), hear })));
  expect(heard).toEqual([[2, 3, 4]]);
});
