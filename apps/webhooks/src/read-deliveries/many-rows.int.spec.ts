/*
 * Among hundreds of thousands of messages and attempts, over a month of days, no question reads more than its answer; and one endpoint
 * with 100,000 deliveries that wait hides nobody else's.
 */
import { endpointBodySchema } from '@communication-center/contracts';
import { KeyRing } from '@communication-center/service';
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { nextPage, standingsOf } from '../jobs/job-pages.js';
import { appsWithWork, readLanes, readSettled, readWaiting } from '../lanes/lane-rows.js';
import { makeDays } from '../messages/days.js';
import { readFrom, writeMessages } from '../messages/message-rows.js';
import { migrations } from '../migrations/index.js';
import { listAttempts } from '../read-messages/attempt-list.js';
import { listMessages } from '../read-messages/message-list.js';
import { viewMessage } from '../read-messages/message-view.js';
import { newestDeliveries } from './delivery-list.js';

const fleet = new Fleet();
/** `MANY_ROWS=1000000` for a busy month. */
const count = Number(process.env.MANY_ROWS ?? 50_000);
const [failing, healthy] = ['00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002'] as const;
const [busy, quiet] = ['busy' as never, 'quiet' as never];
const lanes = Array.from({ length: 16 }, (_, lane) => lane);
const month = 2_592_000_000;
let schema: TestSchema;
let large: Set<string>;

beforeAll(async () => {
  schema = await TestSchema.migrated(fleet, migrations);
  for (const [table, by] of [
    ['messages', 'occurred_at'],
    ['delivery_attempts', 'at'],
  ] as const)
    await makeDays(schema as never, { table, by, keepDays: 60 }, Date.now() - month, 31);
  await schema.query(
    `INSERT INTO endpoints (endpoint_id, app_id, url, description, event_types, sealed_secret)
     VALUES ($1, 'busy', 'https://example.com', '', '{}', ''), ($2, 'quiet', 'https://example.com', '', '{}', '')`,
    [failing, healthy],
  );
  await schema.query(
    `INSERT INTO endpoints (endpoint_id, app_id, url, description, event_types, sealed_secret, deleted_at, disabled_at)
     SELECT gen_random_uuid(), 'many', 'https://example.com', '', '{}', '', now(), now() FROM generate_series(1, 20000)`,
  );
  for (const [app, rows] of [
    ['busy', count],
    ['quiet', 100],
  ] as const) {
    await schema.query(
      `INSERT INTO messages (message_id, occurred_at, app_id, position, type, subject, sequence, source, dataversion, data)
       SELECT gen_random_uuid(), now() - (1 - number / $2::float8) * interval '29 days', $1, number, CASE WHEN number % 10000 = 7 THEN 'call.kicked' ELSE 'call.ended' END, 'call ' || number / 6, 1, '/calls', 1, '{}'
       FROM generate_series(1, $2::int) AS number`,
      [app, rows],
    );
    await schema.query('INSERT INTO app_positions (app_id, last) VALUES ($1, $2)', [app, rows]);
    await schema.query(
      `INSERT INTO delivery_attempts (endpoint_id, at, message_id, app_id, position, type, attempt, status, error, duration_ms)
       SELECT CASE WHEN $1 = 'busy' THEN $2::uuid ELSE $3::uuid END, occurred_at, message_id, app_id, position, type, 1, 204, NULL, 5 FROM messages WHERE app_id = $1`,
      [app, failing, healthy],
    );
  }
  await schema.query(
    `INSERT INTO undelivered (endpoint_id, message_id, app_id, lane, position, subject, message, state, made, next_attempt_at)
     SELECT $1, gen_random_uuid(), 'busy', 3, NULL, 'call', json_build_object('occurredAt', now(), 'type', 'call.ended', 'sequence', 1), 'waiting', 1, now() - interval '1 hour' FROM generate_series(1, 100000)`,
    [failing],
  );
  await schema.query(
    `INSERT INTO undelivered (endpoint_id, message_id, app_id, lane, position, subject, message, state, made, next_attempt_at)
     SELECT $1, gen_random_uuid(), 'quiet', 3, NULL, 'call', '{}', 'waiting', 1, now() - interval '1 second' FROM generate_series(1, 5)`,
    [healthy],
  );
  await schema.query('UPDATE positions SET lane = 3, position = last FROM app_positions WHERE app_positions.app_id = positions.app_id');
  await schema.query("UPDATE positions SET since = now() - interval '1 minute'");
  await schema.analyze();
  const { rows } = await schema.query<{ name: string }>(
    'SELECT relname AS name FROM pg_class WHERE relnamespace = $1::regnamespace AND reltuples > 1000',
    [schema.schema],
  );
  large = new Set(rows.map(({ name }) => name));
  expect(large.size).toBeGreaterThan(50);
}, 300_000);

afterAll(() => schema.drop());

test('a page of an app’s log is read by its place, wherever that is', async () => {
  for (const after of [0, count / 2, count - 100]) {
    const read = await rowsReadBy(schema, (sql) => readFrom(sql, busy, after, 100));
    expect(read.wholeTables).toEqual([]);
    // Of each day the first one is looked at.
    expect(read.rows).toBeLessThan(300);
  }
});

test('writing a message reads nothing of the others', async () => {
  const message = {
    messageId: '00000000-0000-7000-8000-00000000000f',
    appId: busy,
    position: null,
    type: 'call.ended',
    subject: 'call',
    sequence: 1,
  };
  const told = { ...message, source: '/calls', dataversion: 1, occurredAt: new Date().toISOString(), data: {}, traceparent: null };
  const read = await rowsReadBy(schema, (sql) => writeMessages(sql, lanes, [told]));
  expect(read.rows).toBeLessThan(100);
});

test('a page of deliveries, of an app or of one endpoint, reads its own rows alone', async () => {
  for (const [app, endpointId] of [
    [busy, undefined],
    [busy, failing],
    [quiet, healthy],
  ] as const) {
    const read = await rowsReadBy(schema, (sql) => newestDeliveries(sql, app, { endpointId, limit: 50 }));
    // Days of which there is next to nothing may be read whole.
    expect(read.wholeTables.filter((table) => large.has(table))).toEqual([]);
    // How many rows a page of an index holds hangs on when it was last cleaned: some more are no fault, 100,000 would be one.
    expect(read.rows).toBeLessThan(2000);
  }
  expect(await newestDeliveries(schema, quiet, { endpointId: failing, limit: 200 }), "another app's endpoint").toEqual([]);
  expect(await newestDeliveries(schema, busy, { limit: 200 })).toHaveLength(200);
});

test('what waits is found a few of each endpoint, and who has some by steps, behind 100,000 of one', async () => {
  const waiting = await readWaiting(schema, [failing, healthy], 20);
  expect(waiting.filter(({ endpointId }) => endpointId === healthy)).toHaveLength(5);
  expect(waiting).toHaveLength(25);
  expect((await appsWithWork(schema, lanes)).map(({ appId }) => appId).sort()).toEqual(['busy', 'quiet']);
  for (const question of [
    (sql: Parameters<typeof readWaiting>[0]) => readWaiting(sql, [failing, healthy], 20),
    (sql: Parameters<typeof readWaiting>[0]) => appsWithWork(sql, lanes),
    (sql: Parameters<typeof readWaiting>[0]) => readLanes(sql, busy),
    (sql: Parameters<typeof readWaiting>[0]) => readSettled(sql, [failing, healthy]),
  ]) {
    const read = await rowsReadBy(schema, question);
    expect(read.wholeTables.filter((table) => large.has(table))).toEqual([]);
    // How many rows a page of an index holds hangs on when it was last cleaned: some more are no fault, 100,000 would be one.
    expect(read.rows).toBeLessThan(2000);
  }
});

const ofMany = {
  appId: busy,
  endpointId: failing,
  last: count,
  createdAt: '2999-01-01T00:00:00.000Z',
  cursor: null,
  isRead: false,
  step: 0,
};
const since = new Date(Date.now() - month / 2).toISOString();
const page = { limit: 50 };

test('each question about messages and attempts reads about what it answers, and so does each page of a job', async () => {
  const { messages, nextCursor } = await listMessages(schema, busy, { type: 'call.kicked', limit: 2 });
  expect([messages.length, nextCursor !== null]).toEqual([2, true]);
  const known = messages[0]?.messageId as string;
  const questions: [string, (sql: Parameters<typeof readWaiting>[0]) => Promise<unknown>][] = [
    ['the newest', (sql) => listMessages(sql, busy, page)],
    ['from a time on, of a type', (sql) => listMessages(sql, busy, { ...page, type: 'call.kicked', from: since })],
    ['the next page of a type', (sql) => listMessages(sql, busy, { type: 'call.kicked', limit: 2, cursor: nextCursor as string })],
    ['of a call', (sql) => listMessages(sql, busy, { ...page, subject: 'call 77' })],
    ['at an endpoint', (sql) => listMessages(sql, busy, { ...page, endpointId: failing })],
    ['delivered to an endpoint', (sql) => listMessages(sql, busy, { ...page, endpointId: failing, state: 'delivered' })],
    ['not sent to an endpoint', (sql) => listMessages(sql, busy, { ...page, endpointId: failing, state: 'not_sent' })],
    ['waiting', (sql) => listMessages(sql, busy, { ...page, endpointId: failing, state: 'waiting' })],
    ['failed', (sql) => listMessages(sql, busy, { ...page, endpointId: failing, state: 'failed' })],
    ['one message', (sql) => viewMessage(sql, busy, known)],
    ['attempts of the app', (sql) => listAttempts(sql, busy, page)],
    ['attempts at an endpoint', (sql) => listAttempts(sql, busy, { ...page, endpointId: failing, from: since })],
    ['attempts of a message', (sql) => listAttempts(sql, busy, { ...page, messageId: known })],
    ['what failed, of which there is none', (sql) => listAttempts(sql, busy, { ...page, outcome: 'failed' })],
    ['what failed at an endpoint', (sql) => listAttempts(sql, busy, { ...page, endpointId: failing, outcome: 'failed' })],
    ['what succeeded', (sql) => listAttempts(sql, busy, { ...page, outcome: 'succeeded' })],
    ['a replay from a time', (sql) => nextPage(sql, { ...ofMany, jobId: known, wish: { kind: 'replay', since } }, 50)],
    ['a replay from a place', (sql) => nextPage(sql, { ...ofMany, jobId: known, wish: { kind: 'replay', position: count / 2 } }, 50)],
    ['a replay of a call', (sql) => nextPage(sql, { ...ofMany, jobId: known, wish: { kind: 'replay', subject: 'call 9' } }, 50)],
    ['a recovery', (sql) => nextPage(sql, { ...ofMany, jobId: known, wish: { kind: 'recover', since } }, 50)],
    [
      'how a page of messages stands',
      async (sql) => {
        const { messages: of } = await nextPage(sql, { ...ofMany, jobId: known, wish: { kind: 'replay', since } }, 50);
        return standingsOf(sql, failing, of);
      },
    ],
  ];
  for (const [what, question] of questions) {
    const read = await rowsReadBy(schema, question);
    expect(
      read.wholeTables.filter((table) => large.has(table)),
      what,
    ).toEqual([]);
    expect(read.rows, what).toBeLessThan(3000);
  }
  expect(await listMessages(schema, quiet, { ...page, subject: 'call 77' }), 'another app’s').toMatchObject({ messages: [] });
  await expect(viewMessage(schema, quiet, known)).rejects.toMatchObject({ code: 'not_found' });
  await expect(listMessages(schema, quiet, { ...page, endpointId: failing })).rejects.toMatchObject({ code: 'not_found' });
});

const settings = (most: number) => ({ SECRETS_KEY: new KeyRing([{ id: 'a', bytes: Buffer.alloc(32) }]), MAX_ENDPOINTS: most });

test('whose endpoints want an event is found past 20,000 that were deleted', async () => {
  const read = await rowsReadBy(schema, (sql) => new EndpointStore(sql as never, settings(100) as never).enabledOf(['many' as never]));
  expect(read.rows).toBeLessThan(1000);
});

test('an app makes no more endpoints than it may; deleting one makes room, and erases its secret', async () => {
  const store = new EndpointStore(schema as never, settings(1) as never);
  const [app, body] = ['app-4' as never, endpointBodySchema.parse({ url: 'https://example.com' })];
  const { endpointId } = await store.make(app, body);
  await expect(store.make(app, body)).rejects.toMatchObject({ code: 'conflict' });
  expect(await store.delete(app, endpointId)).toBe(true);
  expect(await store.delete(app, endpointId)).toBe(false);
  await store.make(app, body);
  expect(await store.list(app)).toHaveLength(1);
  const { rows } = await schema.query<{ sealed_secret: Buffer }>('SELECT sealed_secret FROM endpoints WHERE endpoint_id = $1', [
    endpointId,
  ]);
  expect(rows[0]?.sealed_secret).toHaveLength(0);
});
