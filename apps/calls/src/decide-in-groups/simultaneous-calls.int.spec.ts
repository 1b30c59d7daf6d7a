/*
 * An app never has more calls at a time than it may, whichever replicas are asked and however many at once; its count is what its calls
 * come to; and who was refused for lack of room may ask again with the same command.
 */
import { type CallId, foldVersion } from '@communication-center/contracts';
import { eventually, Fleet } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { liveCalls } from '../migrations/15-live-calls.js';
import { migrations } from '../migrations/all.js';
import type { AskedCommand } from './asked-command.js';
import type { Reply } from './command-memory.js';
import { makeLines } from './hold.js';
import { app, dialOf, keyOf, phoneOf, Store, user } from './store.fixture.js';

const fleet = new Fleet();
let store: Store;

beforeEach(async () => {
  store = await Store.make(fleet);
});
afterEach(() => store.end());

const names = Array.from({ length: 240 }, (_, index) => `user-${index}`);
const pairs = names.flatMap((name, index) => (index % 2 === 0 ? [[name, names[index + 1] as string] as const] : []));

async function mayHave(calls: number): Promise<void> {
  await store.schema.query(`INSERT INTO app_options VALUES ('app', 1, $1) ON CONFLICT (app_id) DO UPDATE SET options = excluded.options`, [
    JSON.stringify({ limits: { simultaneousCalls: calls } }),
  ]);
}

async function know(): Promise<void> {
  const users = names.map((name) => ({ appId: app, userAlias: user(name) }));
  await store.know(users);
  await makeLines(store.schema, users);
}

/** Asks two replicas in turn, all at once. */
const askBoth = (asked: readonly AskedCommand[]): Promise<Reply[]> =>
  Promise.all(asked.map((one, index) => (index % 2 === 0 ? store.room : store.otherRoom).carryOut(one)));
const dialed = (some = pairs) =>
  some.map(([from, to], index) => ({ appId: app, command: dialOf(from, [to]), key: keyOf(`dial-${index}`) }));
const hangUp = (callId: CallId, name: string) => ({ type: 'HangUp', callId, userAlias: user(name), deviceId: phoneOf(name) }) as const;

async function counted(): Promise<{ counted: number; live: number }> {
  const { rows } = await store.schema.query<{ counted: number; live: number }>(
    `SELECT (SELECT coalesce(sum(live), 0)::int FROM live_calls WHERE app_id = 'app') AS counted,
            (SELECT count(*)::int FROM calls WHERE app_id = 'app' AND ended_at IS NULL) AS live`,
  );
  return rows[0] as { counted: number; live: number };
}

test.each([[1], [20], [100]])('of 120 dials that two replicas take at once %i make a call where as many are allowed', async (most) => {
  await mayHave(most);
  await know();
  const replies = await askBoth(dialed());
  const codes = replies.map(({ problem }) => problem?.code);
  expect(codes.filter((code) => code === undefined)).toHaveLength(most);
  expect(codes.filter((code) => code === 'too_many_calls')).toHaveLength(120 - most);
  expect(await counted()).toEqual({ counted: most, live: most });
  expect(store.errors).toEqual([]);
});

test('far from the limit dials go together, and are counted', async () => {
  await mayHave(20_000);
  await know();
  store.statements.length = 0;
  const replies = await askBoth(dialed());
  expect(replies.every(({ call }) => call?.status === 'ringing')).toBe(true);
  expect(store.statements.filter((statement) => statement === 'BEGIN').length).toBeLessThanOrEqual(8);
  expect(await counted()).toEqual({ counted: 120, live: 120 });
});

test('a refusal for lack of room is not remembered under its command, any other is', async () => {
  await mayHave(1);
  const [first] = await store.carryOut({ appId: app, command: dialOf('ann', ['bob']), key: keyOf('first') });
  const second = { appId: app, command: dialOf('cat', ['dan']), key: keyOf('second') };
  const busy = { appId: app, command: dialOf('ann', ['dan']), key: keyOf('busy') };
  const codesOf = async () => (await store.carryOut(second, busy)).map(({ problem }) => problem?.code);
  expect(await codesOf()).toEqual(['too_many_calls', 'initiator_busy']);
  await store.carryOut(hangUp(first?.call?.callId as CallId, 'ann'));
  // Ann is free now, and hears what she heard before all the same.
  expect(await codesOf()).toEqual([undefined, 'initiator_busy']);
  expect(await counted()).toEqual({ counted: 1, live: 1 });
});

test('whoever dials back needs no room, and each call that ends makes some', async () => {
  await mayHave(1);
  for (let round = 0; round < 5; round += 1) {
    const call = await store.dial('ann', ['bob']);
    const [glare] = await store.carryOut(dialOf('bob', ['ann']));
    expect(glare?.call).toMatchObject({ callId: call.callId, status: 'connected' });
    await store.carryOut(hangUp(call.callId, 'bob'));
  }
  expect(await counted()).toEqual({ counted: 0, live: 0 });
});

test('the count follows dials that nobody hears, ends and deadlines, together and from both replicas', async () => {
  await mayHave(20_000);
  await know();
  const calls = (await askBoth(dialed(pairs.slice(0, 60)))).flatMap(({ call }) => call ?? []);
  const busy = pairs.slice(0, 10).map(([from], index) => ({ appId: app, command: dialOf(names[200 + index] as string, [from]) }));
  const ends = calls.slice(10, 30).map(({ callId }, index) => ({ appId: app, command: hangUp(callId, names[(10 + index) * 2] as string) }));
  await askBoth([...busy, ...ends]);
  expect(await counted()).toEqual({ counted: 40, live: 40 });
  await store.letRingTimesEnd(100);
  const sweep = store.sweep();
  await eventually('every ring being over', async () => {
    await sweep.look();
    return (await store.count('deadlines')) === 0;
  });
  expect(await counted()).toEqual({ counted: 0, live: 0 });
});

test('calls of before are counted when the count begins', async () => {
  const older = await Store.make(fleet, migrations.slice(0, migrations.indexOf(liveCalls)));
  try {
    await older.schema.query(
      `WITH made AS (
         INSERT INTO calls (call_id, app_id, version, status, participants, ended_at, fold, state)
         SELECT gen_random_uuid(), 'app', 1, 'ringing', '{}', CASE WHEN n > 3 THEN now() END, $1, '{}' FROM generate_series(1, 5) AS n RETURNING call_id
       ) INSERT INTO deadlines (call_id, app_id, kind, user_alias, due_at)
         SELECT call_id, 'app', kind, 'x', now() FROM made, unnest(ARRAY['ring', 'max_duration']) AS kind`,
      [foldVersion],
    );
    const runner = { query: async (text: string, values?: unknown[]) => (await older.schema.query(text, values)).rows };
    await new liveCalls().up(runner as never);
    const { rows } = await older.schema.query('SELECT sum(live)::int AS live FROM live_calls');
    expect(rows).toEqual([{ live: 3 }]);
  } finally {
    await older.end();
  }
});
