/* Wherever in a month of messages a reader is, and by whatever he says where he is, a look reads a page, or a few rows. */
import type { AppId } from '@communication-center/contracts';
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConsumerStore } from '../consumers/consumer-store.js';
import { writeCursor } from '../domain/event-cursor.js';
import { makeDays } from '../messages/days.js';
import { migrations } from '../migrations/index.js';
import { noteGone, notePlaces, placeOf, readEnds, readOn } from './log-places.js';

/** `MANY_ROWS=1000000` for a busy month. */
const count = Number(process.env.MANY_ROWS ?? 30_000);
const [busy, quiet] = ['busy' as AppId, 'quiet' as AppId];
const month = 2_592_000_000;
const limits = { MAX_CONSUMERS: 100, KEEP_MESSAGES_DAYS: 30 };
let schema: TestSchema;
let large: Set<string>;

beforeAll(async () => {
  schema = await TestSchema.migrated(new Fleet(), migrations);
  await makeDays(schema as never, { table: 'messages', by: 'occurred_at', keepDays: 60 }, Date.now() - month, 31);
  for (const [app, rows] of [
    [busy, count],
    [quiet, 100],
  ] as const) {
    await schema.query(
      `INSERT INTO messages (message_id, occurred_at, app_id, position, type, subject, sequence, source, dataversion, data)
       SELECT gen_random_uuid(), now() - (1 - number / $2::float8) * interval '29 days', $1, number, 'call.ended', 'call ' || number, 1, '/calls', 1, '{}'
       FROM generate_series(1, $2::int) AS number`,
      [app, rows],
    );
    await schema.query('INSERT INTO app_positions (app_id, last) VALUES ($1, $2)', [app, rows]);
    // Each ten minutes of the month.
    await schema.query(
      `INSERT INTO position_times (app_id, at, last)
       SELECT $1, now() - (1 - number / 4176.0) * interval '29 days', (number / 4176.0 * $2::int)::bigint FROM generate_series(1, 4176) AS number`,
      [app, rows],
    );
    await schema.query(
      `INSERT INTO event_consumers (app_id, name, event_types, filters, payload_version) SELECT $1, 'c' || number, '{*}', '{}', '2026-11-28' FROM generate_series(1, 50) AS number`,
      [app],
    );
  }
  await schema.query(
    `INSERT INTO event_consumers (app_id, name, event_types, filters, payload_version)
     SELECT 'app ' || app, 'c' || number, '{*}', '{}', '2026-11-28' FROM generate_series(1, 2000) AS app, generate_series(1, 3) AS number`,
  );
  await schema.query('INSERT INTO consumer_positions (app_id, name, position) SELECT app_id, name, 5 FROM event_consumers');
  await schema.query('INSERT INTO gone_positions VALUES ($1, 5)', [busy]);
  await schema.query('DELETE FROM messages WHERE app_id = $1 AND position <= 5', [busy]);
  await schema.query("INSERT INTO app_positions SELECT 'app ' || number, 1 FROM generate_series(1, 2000) AS number");
  await schema.analyze();
  const { rows } = await schema.query<{ name: string }>(
    'SELECT relname AS name FROM pg_class WHERE relnamespace = $1::regnamespace AND reltuples > 900',
    [schema.schema],
  );
  large = new Set(rows.map(({ name }) => name));
  expect(large.size).toBeGreaterThan(25);
}, 300_000);

afterAll(() => schema.drop());

async function expectFewRows(what: string, most: number, question: (sql: never) => Promise<unknown>): Promise<void> {
  const read = await rowsReadBy(schema, question as never);
  expect([what, read.wholeTables.filter((table) => large.has(table))]).toEqual([what, []]);
  expect(read.rows, what).toBeLessThan(most);
}

test('a page is read by its place, the oldest of all with it, and what was dropped is told', async () => {
  // Of each day the first one is looked at.
  for (const after of [5, count / 2, count - 100]) await expectFewRows(`after ${after}`, 400, (sql) => readOn(sql, busy, after, 200));
  await expectFewRows('the end', 200, (sql) => readOn(sql, busy, count, 200));
  await expect(readOn(schema as never, busy, 3, 200)).rejects.toMatchObject({ code: 'position_expired', passedOver: { skipped: 2 } });
  await expectFewRows('what is missing', 200, (sql) => readEnds(sql, busy, 0));
});

test('a place is found by a cursor, by start and end, and by a time wherever in the month', async () => {
  const find = (point: string) => (sql: never) => placeOf(busy, point, { sql, keepDays: 30, field: 'after' });
  for (const point of ['start', 'end', writeCursor({ appId: busy, position: count / 2 })]) await expectFewRows(point, 200, find(point));
  // Eleven minutes of messages, and of each day one.
  const most = 200 + Math.ceil((count / (29 * 1440)) * 12);
  for (const days of [0.001, 1, 14.5, 28]) {
    const since = new Date(Date.now() - days * 86_400_000).toISOString();
    await expectFewRows(`since ${days} days`, most, find(since));
    const place = await find(since)(schema as never);
    const { rows } = await schema.query<{ before: number }>(
      'SELECT count(*)::int AS before FROM messages WHERE app_id = $1 AND occurred_at >= $2 AND position <= $3',
      [busy, since, place],
    );
    expect(rows[0]?.before, `nothing since ${days} days is passed over`).toBe(0);
  }
});

test('a consumer is found among those of its app, and noting places and what goes reads a row or two of each app', async () => {
  const store = (sql: never) => new ConsumerStore(sql, limits);
  await expectFewRows('a consumer', 20, (sql) => store(sql).view(busy, 'c7'));
  await expectFewRows('an acknowledgement', 30, (sql) => store(sql).acknowledge(busy, 'c7', writeCursor({ appId: busy, position: 9 })));
  // The apps themselves, which are fewer than anything.
  large.delete('app_positions');
  await expectFewRows('noting places', 10_000, (sql) => notePlaces(sql));
  const { rows } = await schema.query<{ name: string }>(
    "SELECT max(relname) AS name FROM pg_class WHERE relname ~ '^messages_\\d{8}$' AND relnamespace = $1::regnamespace",
    [schema.schema],
  );
  await expectFewRows('noting what goes', 10_000, (sql) => noteGone(sql, rows[0]?.name ?? ''));
});
