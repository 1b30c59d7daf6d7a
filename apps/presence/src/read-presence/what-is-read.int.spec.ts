/*
 * With many people, devices, calls and changes, one question reads what belongs to its answer.
 */
import type { AppId, UserAlias } from '@communication-center/contracts';
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrations } from '../migrations/index.js';
import { readKnown } from '../publish-changes/look-at.js';
import { dueAgain, firstRound, isAnybodyMarked, takeMarked } from '../publish-changes/marks.js';
import { readBounds, readChanges } from '../stream-presence/read-changes.js';
import { readEverybody, readSome } from './read-said.js';

const fleet = new Fleet();
const [app, alias] = ['app-1' as AppId, 'user-77' as UserAlias];
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.migrated(fleet, migrations);
  const statements = [
    // Two hundred apps in which people have the same names, and one user with a thousand devices.
    `INSERT INTO people (app_id, user_alias, version, published, status)
     SELECT 'app-' || number % 200, 'user-' || number / 200, 1, '{}', CASE WHEN number % 7 = 1 THEN 'busy' ELSE 'offline' END
     FROM generate_series(1, 60000) AS number`,
    'INSERT INTO known_users SELECT app_id, user_alias, 1, false, false FROM people',
    `INSERT INTO device_sessions (session_id, app_id, user_alias, device_id, platform, sequence, opened_at, closed_at)
     SELECT gen_random_uuid(), 'app-' || number % 200, 'user-' || number / 200, 'd', 'web', 1, now(), CASE WHEN number % 3 > 0 THEN now() END
     FROM generate_series(1, 40000) AS number`,
    `INSERT INTO seen_devices SELECT 'app-' || number % 200, 'user-' || number / 200, 'd', 'web', now() FROM generate_series(1, 40000) AS number`,
    `INSERT INTO seen_devices SELECT '${app}', '${alias}', 'device-' || number, 'web', now() - number * interval '1 second' FROM generate_series(1, 1000) AS number`,
    `INSERT INTO current_calls (call_id, app_id, sequence, ended, participants, call)
     SELECT gen_random_uuid(), 'app-' || number % 200, 1, number % 5 > 0, ARRAY['user-77', 'user-' || number / 200], '{}' FROM generate_series(1, 20000) AS number`,
    `INSERT INTO bucket_positions SELECT 'app-' || number % 200, number / 200, 1000 FROM generate_series(0, 3199) AS number`,
    `INSERT INTO bucket_changes (app_id, bucket, position, user_alias, presence)
     SELECT 'app-' || number % 10, number / 10 % 16, 1 + number / 48, 'user', '{}' FROM generate_series(0, 47999) AS number`,
    `INSERT INTO people_to_look_at (app_id, user_alias, bucket, tries, try_at)
     SELECT 'app-' || number % 200, 'user-' || number / 200, number % 16, number % 2, now() + interval '1 minute' FROM generate_series(1, 40000) AS number`,
  ];
  for (const statement of statements) await schema.query(statement);
  await schema.analyze();
}, 60_000);

afterAll(() => schema.drop());

const end = new Array<number>(16).fill(1000);

test.each([
  ['all that is known of somebody whose name many have', (sql) => readKnown(sql, [{ appId: app, userAlias: alias }])],
  ['where some are', (sql) => readSome(sql, app, [alias])],
  ['a page of everybody', (sql) => readEverybody(sql, app, { after: 'user-3', limit: 500 })],
  ['a page of those who are busy', (sql) => readEverybody(sql, app, { after: '', limit: 500, status: 'busy' })],
  ['what a stream has not told yet', (sql) => readChanges(sql, app, end.with(3, 900))],
  ['that there is nothing new', (sql) => readChanges(sql, app, end)],
  ['whether a reader may go on', (sql) => readBounds(sql, app)],
  ['whether anybody is to be looked at', (sql) => isAnybodyMarked(sql)],
  ['who is to be looked at next', (sql) => takeMarked(sql, firstRound, 50, 100)],
  ['who is to be tried again', (sql) => dueAgain(sql, 100)],
] satisfies [string, (sql: Pick<TestSchema, 'query'>) => Promise<unknown>][])(
  '%s: by an index, fewer than 1,000 rows',
  async (_what, ask) => {
    const read = await rowsReadBy(schema, ask);
    expect(read.wholeTables).toEqual([]);
    expect(read.rows).toBeLessThan(1000);
  },
);
