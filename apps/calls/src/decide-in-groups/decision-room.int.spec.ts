/*
 * Commands that are carried out together come to what they come to one after the other; none waits, or fails, for another.
 */
import { type CallId, foldVersion } from '@communication-center/contracts';
import { eventually, Fleet } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { statesOfCalls } from '../event-store/kept-states.js';
import { app, dialOf, keyOf, phoneOf, Store, user } from './store.fixture.js';

const fleet = new Fleet();
let store: Store;

beforeEach(async () => {
  store = await Store.make(fleet);
});
afterEach(() => store.end());

const answer = (callId: CallId, name: string) => ({ type: 'AnswerCall', callId, userAlias: user(name), deviceId: phoneOf(name) }) as const;
const hangUp = (callId: CallId, name: string) => ({ type: 'HangUp', callId, userAlias: user(name), deviceId: phoneOf(name) }) as const;

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
  const dials = Array.from({ length: 8 }, () => ({ appId: app, command: dialOf('ann', ['bob']), key: keyOf('once') }));
  const replies = await Promise.all(dials.map((dial) => store.carryOut(dial)));
  expect(new Set(replies.map(([reply]) => reply?.call?.callId)).size).toBe(1);
  expect(await store.count('calls')).toBe(1);
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
  const [failed, answered] = await store.room.carryOut(
    [answer(broken.callId, 'bob'), answer(good.callId, 'dan')].map((command) => ({ appId: app, command })),
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
  expect(store.statements.length).toBeLessThanOrEqual(9);
});
