/* However many broadcasts there were, whatever is asked of them reads a page, or a few rows, by an index; and what is over goes a bounded number at a time. */
import { randomUUID } from 'node:crypto';
import type { AppId, BroadcastId, CallId } from '@communication-center/contracts';
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { media } from '../migrations/1-media.js';
import { departures } from '../migrations/2-departures.js';
import { broadcasts } from '../migrations/11-broadcasts.js';
import {
  broadcastOf,
  broadcastsOfApp,
  broadcastsOfCall,
  claimUnmade,
  giveBack,
  leavePush,
  nextDueIn,
  noteBegun,
  notePush,
  noteState,
  noteToldToCall,
  noteUnwanted,
  notToldToCall,
  overdue,
  renew,
  savePush,
} from './broadcast-rows.js';
import { broadcastsOfDeletedApps, forgetExpired, withFiles } from './delete-broadcasts.js';

/** `MANY_ROWS=1000000` for years of them. */
const count = Number(process.env.MANY_ROWS ?? 20_000);
const busy = 'busy' as AppId;
const callOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` as CallId;
let schema: TestSchema;
let one: { broadcastId: BroadcastId; callId: CallId; startedAt: string };

beforeAll(async () => {
  schema = await TestSchema.migrated(new Fleet(), [media, departures, broadcasts]);
  // Of a thousand one goes on; one in a hundred is of another app; of each call there were two; half of them may go, and of a few there are files.
  await schema.query(
    `INSERT INTO broadcasts (broadcast_id, call_id, app_id, state, wanted, told, run, started_at, stopped_at, look_at, files_until, expires_at)
     SELECT gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad((number / 2)::text, 12, '0'))::uuid,
       CASE WHEN number % 100 = 0 THEN 'app ' || number % 5000 ELSE 'busy' END,
       CASE number % 1000 WHEN 1 THEN 'live' ELSE 'stopped' END, CASE number % 1000 WHEN 1 THEN 'live' ELSE 'stopped' END,
       3, 1, now() - make_interval(secs => $1 - number), CASE number % 1000 WHEN 1 THEN NULL ELSE now() END,
       CASE number % 1000 WHEN 1 THEN now() + make_interval(secs => number % 7 - 3) END,
       CASE number % 1000 WHEN 2 THEN now() - interval '1 second' END,
       CASE WHEN number % 1000 <> 1 THEN now() + make_interval(secs => number - $1 / 2) END
     FROM generate_series(1, $1::int) AS number`,
    [count],
  );
  await schema.query(
    `INSERT INTO rooms (call_id, app_id, node, generation, secret, pin)
     SELECT DISTINCT call_id, app_id, 'janus-1', 1, 's', 'p' FROM broadcasts WHERE look_at IS NOT NULL`,
  );
  await schema.analyze();
  const { rows } = await schema.query<{ broadcast_id: BroadcastId; call_id: CallId; started_at: Date }>(
    "SELECT broadcast_id, call_id, started_at FROM broadcasts WHERE app_id = 'busy' AND state = 'live' ORDER BY started_at OFFSET $1 LIMIT 1",
    [Math.floor(count / 2000)],
  );
  const [row] = rows;
  if (!row) throw new Error('there is none');
  one = { broadcastId: row.broadcast_id, callId: row.call_id, startedAt: row.started_at.toISOString() };
}, 600_000);
afterAll(() => schema.drop());

/** @param most rows that are read for it at most, and rows of the index that go on, which are few, besides. */
async function expectFewRows(what: string, most: number, question: (sql: never) => Promise<unknown>): Promise<void> {
  const read = await rowsReadBy(schema, question as never);
  expect([what, read.wholeTables.filter((table) => table === 'broadcasts')]).toEqual([what, []]);
  expect(read.rows, what).toBeLessThan(most);
}

test('what is read of broadcasts is a page, or what one has', async () => {
  await expectFewRows('one', 10, (sql) => broadcastOf(sql, one.broadcastId, busy));
  await expectFewRows('one, by a link', 10, (sql) => broadcastOf(sql, one.broadcastId));
  await expectFewRows('those of a call', 10, (sql) => broadcastsOfCall(sql, busy, one.callId));
  await expectFewRows('a page', 250, (sql) => broadcastsOfApp(sql, busy, { limit: 100, after: undefined }));
  const after = { startedAt: one.startedAt, broadcastId: one.broadcastId };
  await expectFewRows('a page in the middle', 250, (sql) => broadcastsOfApp(sql, busy, { limit: 100, after }));
});

test('who makes them looks at those that go on, and writes one', async () => {
  const heard = { broadcastId: randomUUID() as BroadcastId, callId: callOf(7), appId: busy, at: one.startedAt };
  // How many of its app began before is counted among those that go on, of which there are as many as replicas make.
  const goingOn = Math.ceil(count / 1000);
  await expectFewRows('those that nobody makes', 60 + 2 * 3 * goingOn, (sql) => claimUnmade(sql, 2, 5));
  await expectFewRows('those that wait for too long', 60, (sql) => overdue(sql, 1));
  await expectFewRows('the next', 10, (sql) => nextDueIn(sql));
  await expectFewRows('those that failed', 10, (sql) => notToldToCall(sql));
  await expectFewRows('a beginning', 10, (sql) => noteBegun(sql, heard));
  await expectFewRows('an end', 10, (sql) => noteUnwanted(sql, { ...heard, broadcastId: one.broadcastId }));
  const row = await broadcastOf(schema, one.broadcastId);
  if (!row) throw new Error('it is gone');
  await expectFewRows('a renewal', 60, (sql) => renew(sql, row, 5, { viewers: 3, latencyMs: 1000 }));
  await expectFewRows('what is given back', 10, (sql) => giveBack(sql, row));
  await expectFewRows('a state', 10, (sql) => noteState(sql, row, { state: 'stopped' }, 60));
  await expectFewRows('what a call was told', 10, (sql) => noteToldToCall(sql, one.broadcastId));
});

test('where one is pushed to is written by its key', async () => {
  const { broadcastId } = one;
  const [pushId, sealed] = [randomUUID(), Buffer.from('sealed')];
  await expectFewRows('a place', 10, (sql) => savePush(sql, { broadcastId, appId: busy, pushId, server: 'rtmp://a', sealed }));
  await expectFewRows('what became of it', 10, (sql) => notePush(sql, { broadcastId, pushId, state: 'live' }));
  await expectFewRows('no place', 10, (sql) => leavePush(sql, busy, broadcastId));
});

test('who deletes them looks at a bounded number, in their order', async () => {
  type Ask = { query: (text: string, values: unknown[]) => Promise<unknown> };
  await expectFewRows('those with files', 120, (sql) => withFiles.claim(sql, 20, 60));
  await expectFewRows('those whose time has come', 200, (sql: Ask) => sql.query(forgetExpired, [20]));
  const [erasure] = broadcastsOfDeletedApps;
  await expectFewRows('those of a deleted app', 2100, (sql: Ask) => sql.query(erasure?.statement ?? '', ['app 100']));
});

test('half of them go, so many at a time, in the order of their times', async () => {
  let gone = 0;
  const began = performance.now();
  for (let most = 2; gone < Math.min(count / 4, 20_000); most = Math.min(most * 2, 2000))
    gone += (await schema.query(forgetExpired, [most])).rowCount ?? 0;
  console.log(`${gone} broadcasts of ${count} went in ${Math.round(performance.now() - began)} ms`);
  const { rows } = await schema.query<{ left: boolean }>(
    'SELECT EXISTS (SELECT FROM broadcasts WHERE expires_at <= now() AND files_until IS NULL) AS left',
  );
  expect(rows[0]?.left).toBe(count / 4 < count / 2);
}, 120_000);
