/* However many apps have calls, a dial and a hang-up count among the sixteen rows of their own. */
import type { Transaction } from '@communication-center/event-log';
import { Fleet, rowsReadBy } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DecisionRoom } from './decision-room.js';
import { makeLines } from './hold.js';
import { app, dialOf, keyOf, phoneOf, Store, user } from './store.fixture.js';

/** `MANY_ROWS=1000000` for 62,500 apps of which each has calls on sixteen connections. */
const count = Number(process.env.MANY_ROWS ?? 50_000);
let store: Store;

beforeAll(async () => {
  store = await Store.make(new Fleet());
  await store.schema.query(
    `INSERT INTO live_calls (app_id, stripe, live) SELECT 'app-' || number / 16, number % 16, 1 FROM generate_series(0, $1::int - 1) AS number`,
    [count],
  );
  await store.schema.query(
    `INSERT INTO erased_apps SELECT 'gone-' || number, now() - number * interval '1 second', now() FROM generate_series(1, $1::int) AS number`,
    [count],
  );
  const people = ['ann', 'bob'].map((name) => ({ appId: app, userAlias: user(name) }));
  await store.know(people);
  await makeLines(store.schema, people);
  await store.schema.analyze();
}, 240_000);
afterAll(() => store.end());

test('a dial and its end read a few dozen rows', async () => {
  const read = await rowsReadBy(store.schema, async (sql) => {
    const database = {
      query: sql.query,
      transaction: <T>(work: (tx: Transaction) => Promise<T>) => work({ query: sql.query, last: sql.query, alone: sql.query }),
    };
    const settings = { CONNECTION_GRACE_MS: 1000, DATABASE_POOL: 8 };
    const room = new DecisionRoom(database, { committed: () => undefined }, settings, () => undefined);
    const dialed = await room.carryOut({ appId: app, command: dialOf('ann', ['bob']), key: keyOf('dial') });
    expect(dialed.call?.status).toBe('ringing');
    const callId = dialed.call?.callId ?? ('' as never);
    const ended = await room.carryOut({
      appId: app,
      command: { type: 'HangUp', callId, userAlias: user('ann'), deviceId: phoneOf('ann') },
      key: keyOf('end'),
    });
    expect(ended.call?.status).toBe('ended');
    const { rows } = await sql.query<{ live: number }>("SELECT coalesce(sum(live), 0)::int AS live FROM live_calls WHERE app_id = 'app'");
    expect(rows).toEqual([{ live: 0 }]);
  });
  expect(read.wholeTables.filter((table) => ['live_calls', 'erased_apps'].includes(table))).toEqual([]);
  expect(read.rows).toBeLessThan(150);
});
