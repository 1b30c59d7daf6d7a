/* However many recordings there are, whatever is asked of them reads a page, or a few rows, by an index. */
import { randomUUID } from 'node:crypto';
import type { AppId, CallId, DeviceId, RecordingId, UserAlias } from '@communication-center/contracts';
import { RowsInTurn } from '@communication-center/service';
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { media } from '../migrations/1-media.js';
import { departures } from '../migrations/2-departures.js';
import { quality } from '../migrations/8-quality.js';
import { recordings } from '../migrations/10-recordings.js';
import { forgottenReaders } from '../migrations/12-forgotten-readers.js';
import { expired, recordingsOfDeletedApps } from './delete-recordings.js';
import { recordingJobs } from './process-recordings.js';
import {
  claimDue,
  feedsOf,
  filesOf,
  keepFeeds,
  lookAgain,
  nextDueIn,
  noteBegun,
  noteWanted,
  notToldToCall,
  progressOf,
  recordingOf,
  recordingsOfApp,
  recordingsOfCall,
} from './recording-rows.js';

/** `MANY_ROWS=1000000` for years of them. */
const count = Number(process.env.MANY_ROWS ?? 20_000);
const busy = 'busy' as AppId;
const alice = 'user-1' as UserAlias;
let schema: TestSchema;
let one: { recordingId: RecordingId; callId: CallId; startedAt: string };

beforeAll(async () => {
  schema = await TestSchema.migrated(new Fleet(), [media, departures, quality, recordings, forgottenReaders]);
  // Of a hundred one is active, one has a job, one is of another app; a call has two, and each has feeds of three people and four files.
  await schema.query(
    `INSERT INTO recordings (recording_id, call_id, app_id, state, wanted, heard, told, started_at, look_at, expires_at)
     SELECT gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad((number / 2)::text, 12, '0'))::uuid,
       CASE WHEN number % 100 = 0 THEN 'app ' || number % 5000 ELSE 'busy' END,
       CASE number % 100 WHEN 1 THEN 'recording' WHEN 2 THEN 'processing' ELSE 'ready' END, CASE number % 100 WHEN 1 THEN 'recording' ELSE 'stopped' END,
       3, 3, now() - make_interval(secs => $1 - number), CASE number % 100 WHEN 1 THEN now() + make_interval(secs => number % 7 - 3) END,
       CASE WHEN number % 100 NOT IN (1, 2) THEN now() + make_interval(secs => number - 50) END
     FROM generate_series(1, $1::int) AS number`,
    [count],
  );
  await schema.query(
    `INSERT INTO recording_feeds SELECT recording_id, 'feed-' || number, 'user-' || number, 'desk' FROM recordings, generate_series(1, 3) AS number`,
  );
  await schema.query(
    `INSERT INTO recording_files SELECT recording_id, number, 'file-' || number, '{"name": "file"}' FROM recordings, generate_series(0, 3) AS number WHERE state = 'ready'`,
  );
  await schema.query(
    "INSERT INTO recording_jobs (recording_id, app_id, next_attempt_at) SELECT recording_id, app_id, started_at FROM recordings WHERE state = 'processing'",
  );
  await schema.analyze();
  const { rows } = await schema.query<{ recording_id: RecordingId; call_id: CallId; started_at: Date }>(
    "SELECT recording_id, call_id, started_at FROM recordings WHERE app_id = 'busy' AND state = 'ready' ORDER BY started_at OFFSET $1 LIMIT 1",
    [Math.floor(count / 2)],
  );
  const [row] = rows;
  if (!row) throw new Error('there is none');
  one = { recordingId: row.recording_id, callId: row.call_id, startedAt: row.started_at.toISOString() };
}, 600_000);
afterAll(() => schema.drop());

const large = ['recordings', 'recording_feeds', 'recording_files'];
async function expectFewRows(what: string, most: number, question: (sql: never) => Promise<unknown>): Promise<void> {
  const read = await rowsReadBy(schema, question as never);
  expect([what, read.wholeTables.filter((table) => large.includes(table))]).toEqual([what, []]);
  expect(read.rows, what).toBeLessThan(most);
}

test('what is read of recordings is a page, or what one has', async () => {
  await expectFewRows('one', 10, (sql) => recordingOf(sql, busy, one.recordingId));
  await expectFewRows('one, by a user', 20, (sql) => recordingOf(sql, busy, one.recordingId, alice));
  await expectFewRows('those of a call', 10, (sql) => recordingsOfCall(sql, busy, one.callId));
  await expectFewRows('those of a call, by a user', 20, (sql) => recordingsOfCall(sql, busy, one.callId, alice));
  await expectFewRows('a page', 250, (sql) => recordingsOfApp(sql, busy, { limit: 100, after: undefined }));
  const after = { startedAt: one.startedAt, recordingId: one.recordingId };
  await expectFewRows('a page in the middle', 250, (sql) => recordingsOfApp(sql, busy, { limit: 100, after }));
  await expectFewRows('their files', 20, (sql) => filesOf(sql, [one.recordingId]));
  await expectFewRows('their feeds', 20, (sql) => feedsOf(sql, [one.recordingId]));
  // Of jobs there are few: all of them may be looked at.
  await expectFewRows('their progress', 250, (sql) => progressOf(sql, [one.recordingId]));
});

test('who records looks at those that are due, and writes one', async () => {
  const heard = { recordingId: randomUUID() as RecordingId, callId: one.callId, appId: busy, sequence: 5, at: one.startedAt };
  await expectFewRows('those that are due', 150, (sql) => claimDue(sql, 20, 15));
  await expectFewRows('the next', 10, (sql) => nextDueIn(sql));
  await expectFewRows('those that failed', 10, (sql) => notToldToCall(sql));
  await expectFewRows('a beginning', 10, (sql) => noteBegun(sql, { ...heard, wanted: 'recording' }));
  await expectFewRows('an end', 10, (sql) => noteWanted(sql, { ...heard, recordingId: one.recordingId, wanted: 'stopped' }));
  await expectFewRows('a look', 10, (sql) => lookAgain(sql, [one.recordingId], 1000));
  const feed = { feed: 'new', userAlias: alice, deviceId: 'desk' as DeviceId };
  await expectFewRows('feeds', 10, (sql) => keepFeeds(sql, one.recordingId, [feed]));
});

test('who makes files, and who deletes them, looks at a few, of apps in turn', async () => {
  await expectFewRows('jobs', 500, (sql) => new RowsInTurn(recordingJobs).due(sql, new RowsInTurn(recordingJobs).first));
  await expectFewRows('those whose time has come', 50, (sql) => expired.claim(sql, 10, 600));
  const [erasure] = recordingsOfDeletedApps;
  await expectFewRows('those of a deleted app', 2100, async (sql: { query: (text: string, values: unknown[]) => Promise<unknown> }) =>
    sql.query(erasure?.statement ?? '', ['app 100']),
  );
});
