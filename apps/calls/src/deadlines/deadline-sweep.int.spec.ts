/*
 * Deadlines fire once, on time and together; who cannot be had at once is not waited for; and an outage is when nobody looked.
 */
import type { CallId, CallState } from '@communication-center/contracts';
import { eventually, Fleet, holds } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dialOf, phoneOf, Store, user } from '../decide-in-groups/store.fixture.js';
import type { DeadlineSweep } from './deadline-sweep.js';

const fleet = new Fleet();
let store: Store;

beforeEach(async () => {
  store = await Store.make(fleet);
});
afterEach(() => store.end());

const missed = async () => (await store.schema.query<{ call_id: CallId }>("SELECT call_id FROM events WHERE type = 'call.missed'")).rows;

/** Dials of so many, who all ring. */
async function rings(count: number): Promise<CallState[]> {
  const dials = Array.from({ length: count }, (_, index) => dialOf(`caller-${index}`, [`callee-${index}`]));
  const replies = await Promise.all(dials.map((dial) => store.carryOut(dial)));
  return replies.map(([reply]) => reply?.call as CallState);
}

/** Looks again and again, as a replica does. */
async function lookUntil(what: string, sweeps: DeadlineSweep[], check: () => Promise<boolean>): Promise<void> {
  await eventually(
    what,
    async () => {
      for (const sweep of sweeps) await sweep.look();
      return check();
    },
    30_000,
  );
}

test('many that fall due at the same moment fire together, on a healthy fleet none of them is put off', async () => {
  const sweep = store.sweep();
  await sweep.look();
  await rings(400);
  await store.letRingTimesEnd();
  store.statements.length = 0;
  await lookUntil('all rings being over', [sweep], async () => (await store.count('deadlines')) === 0);
  await sweep.stop();
  const groups = store.statements.filter((statement) => statement.includes('INSERT INTO events')).length;
  expect(groups).toBeLessThanOrEqual(8);
  // Looks go on meanwhile, and find that others have all in hand.
  const work = store.statements.filter((statement) => !/sweepers|WITH due AS|BEGIN|COMMIT/.test(statement));
  expect(work.length / 400).toBeLessThan(0.2);
  expect(await missed()).toHaveLength(400);
  expect(store.errors).toEqual([]);
});

test('two replicas that race for the same deadlines fire each once', async () => {
  const sweeps = [store.sweep(), store.sweep()];
  const made = await rings(250);
  await store.letRingTimesEnd();
  const looks = async (sweep: DeadlineSweep) =>
    lookUntil('all rings being over', [sweep], async () => (await store.count('deadlines')) === 0);
  await Promise.all(sweeps.map(looks));
  expect((await missed()).map(({ call_id }) => call_id).sort()).toEqual(made.map(({ callId }) => callId).sort());
  const { rows } = await store.schema.query("SELECT FROM events WHERE type = 'call.ended'");
  expect(rows).toHaveLength(250);
  expect(store.errors).toEqual([]);
});

test('a line that somebody holds delays only its own deadline', async () => {
  const made = await rings(20);
  const sweep = store.sweep();
  await store.letRingTimesEnd();
  const holder = await store.schema.connect();
  await holder.query("BEGIN; SELECT FROM lines WHERE user_alias = 'callee-7' FOR UPDATE");
  await lookUntil('the others being over', [sweep], async () => (await missed()).length === 19);
  await holds('the held one ringing', async () => (await missed()).length === 19, 200);
  await holder.query('COMMIT');
  await holder.end();
  await lookUntil('the held one being over', [sweep], async () => (await missed()).length === 20);
  expect(new Set((await missed()).map(({ call_id }) => call_id)).size).toBe(made.length);
});

test('a whole group with a deadline that cannot fire falls apart: the others fire', async () => {
  const made = await rings(520);
  const poisoned = made[3] as CallState;
  await store.letRingTimesEnd();
  await store.schema.query('UPDATE calls SET state = $2 WHERE call_id = $1', [
    poisoned.callId,
    JSON.stringify({ ...poisoned, participants: null }),
  ]);
  const sweep = store.sweep();
  await lookUntil('the others being over', [sweep], async () => (await missed()).length === 519);
  expect(await store.eventsOf(poisoned.callId)).toEqual(['call.dialed']);
  expect(await store.count("deadlines WHERE kind = 'ring'")).toBe(1);
  await store.schema.query('UPDATE calls SET state = NULL WHERE call_id = $1', [poisoned.callId]);
});

test('several deadlines of one call are decided in turn in one group', async () => {
  const call = await store.dial('ann', ['bob', 'cat']);
  await store.letRingTimesEnd();
  await store.schema.query("UPDATE events SET occurred_at = now() - interval '2 minutes'");
  const sweep = store.sweep();
  await lookUntil('the call being over', [sweep], async () => (await store.count('deadlines')) === 0);
  expect(await store.eventsOf(call.callId)).toEqual(['call.dialed', 'call.missed', 'call.missed', 'call.ended']);
});

test('what passed while nobody looked is put off once; what falls due later fires on time', async () => {
  await store.dial('ann', ['bob']);
  await store.letRingTimesEnd(1000);
  await store.schema.query("UPDATE sweepers SET looked_at = now() - interval '10 seconds'");
  const [first, second] = [store.sweep(), store.sweep()];
  const extended = async () =>
    (await store.schema.query<{ late: boolean }>('SELECT due_at > now() AS late FROM deadlines WHERE extended')).rows;
  await lookUntil('it being put off', [first], async () => (await extended()).length === 1);
  expect(await extended()).toEqual([{ late: true }]);
  expect(await missed()).toEqual([]);

  await store.dial('cat', ['dan']);
  await store.letRingTimesEnd(-1);
  await lookUntil('both firing', [first, second], async () => (await missed()).length === 2);
  expect(await store.count('deadlines')).toBe(0);
});

test('a device without a socket is hung up, one that has it by now stays; media is joined while its session is open or was', async () => {
  const call = await store.dial('ann', ['bob', 'cat'], { mediaSetupSeconds: 1 });
  for (const name of ['bob', 'cat']) {
    await store.carryOut({ type: 'AnswerCall', callId: call.callId, userAlias: user(name), deviceId: phoneOf(name) });
  }
  const session = (name: string, closed: string, media: boolean) =>
    store.schema.query(
      `INSERT INTO device_sessions (session_id, app_id, user_alias, device_id, sequence, closed_at, media_of_call)
       VALUES (gen_random_uuid(), 'app', $1, $2, 1, now() - $3::interval, $4)`,
      [name, phoneOf(name), closed || null, media ? call.callId : null],
    );
  await session('ann', '', false);
  await session('ann', '10 seconds', true);
  await session('bob', '', false);
  await session('bob', '40 seconds', true);
  const sweep = store.sweep();
  await store.schema.query(
    `UPDATE calls SET state = regexp_replace(state::text, '"(since|answeredAt)": "[^"]+"', '"\\1": "2026-01-01T00:00:00.000Z"', 'g')::jsonb`,
  );
  await store.schema.query("UPDATE deadlines SET due_at = now() WHERE kind IN ('media', 'connection')");
  await lookUntil('all being looked at', [sweep], async () => {
    const { rows } = await store.schema.query("SELECT FROM deadlines WHERE kind IN ('media', 'connection') AND due_at <= now()");
    return rows.length === 0;
  });
  const { rows } = await store.schema.query<{ data: { userAlias: string; reason: string } }>(
    "SELECT data FROM events WHERE type = 'call.left' ORDER BY data->>'userAlias'",
  );
  expect(rows.map(({ data }) => [data.userAlias, data.reason])).toEqual([
    ['bob', 'media_failed'],
    ['cat', expect.stringMatching('connection_lost|media_failed')],
  ]);
});
