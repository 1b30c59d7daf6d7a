/*
 * What a connecting device must know is asked by user: it costs the same however many calls its app has had.
 */
import type { AppId, CallId, UserAlias } from '@communication-center/contracts';
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { callStore } from '../migrations/1-call-store.js';
import { recentCalls } from '../migrations/5-recent-calls.js';
import { callsToTell } from './calls-to-tell.js';

const fleet = new Fleet();
const [app, ann] = ['app' as AppId, 'ann' as UserAlias];
const [ended, older, active] = [1, 2, 3].map((number) => `00000000-0000-4000-8000-00000000000${number}` as CallId);
let schema: TestSchema;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [callStore, recentCalls]);
  await schema.query(
    `INSERT INTO recent_calls SELECT 'app', 'user-' || number, gen_random_uuid(), now() - interval '1 minute' FROM generate_series(1, 100000) AS number`,
  );
  await schema.query(
    "INSERT INTO recent_calls VALUES ('app', 'ann', $1, now() - interval '4 minutes'), ('app', 'ann', $2, now() - interval '6 minutes')",
    [ended, older],
  );
  await schema.query("INSERT INTO lines VALUES ('app', 'ann', $1, 'phone')", [active]);
  await schema.analyze();
});

afterEach(() => schema.drop());

test("a user's calls under way and those that ended in the last five minutes are told, and nobody else's", async () => {
  const [told] = await callsToTell(schema, [{ appId: app, userAlias: ann }]);
  expect(new Set(told?.callIds)).toEqual(new Set([ended, active]));
  expect(Math.abs(Date.now() - (told?.takenAt.getTime() ?? 0))).toBeLessThan(60_000);
});

test('several are told each their own, in their order, also who has none and who is asked for twice', async () => {
  const users = [
    ['app', 'nobody'],
    ['app', 'ann'],
    ['other', 'ann'],
    ['app', 'ann'],
  ].map(([appId, userAlias]) => ({ appId: appId as AppId, userAlias: userAlias as UserAlias }));
  const told = await callsToTell(schema, users);
  const hers = [ended, active].sort();
  expect(told.map(({ callIds }) => callIds.toSorted())).toEqual([[], hers, [], hers]);
  expect(new Set(told.map(({ takenAt }) => takenAt.getTime())).size).toBe(1);
});

test('nothing of what others did is read for it', async () => {
  const read = await rowsReadBy(schema, (sql) => callsToTell(sql, [{ appId: app, userAlias: ann }]));
  expect(read.wholeTables.filter((table) => table === 'recent_calls')).toEqual([]);
  expect(read.rows).toBeLessThan(10);
});

test('of fifty who ask together, nothing of what others did is read either', async () => {
  const users = Array.from({ length: 50 }, (_, number) => ({ appId: app, userAlias: `user-${number + 1}` as UserAlias }));
  const read = await rowsReadBy(schema, (sql) => callsToTell(sql, users));
  expect(read.wholeTables.filter((table) => table === 'recent_calls')).toEqual([]);
  expect(read.rows).toBeLessThan(400);
});

test('of fifty who had no call, nothing is read of a few who call each other all the time', async () => {
  await schema.query('TRUNCATE recent_calls');
  await schema.query(
    `INSERT INTO recent_calls SELECT 'app', 'busy-' || number % 80, gen_random_uuid(), now() - number * interval '3 ms' FROM generate_series(1, 100000) AS number`,
  );
  await schema.analyze();
  const users = Array.from({ length: 50 }, (_, number) => ({ appId: app, userAlias: `quiet-${number}` as UserAlias }));
  const read = await rowsReadBy(schema, (sql) => callsToTell(sql, users));
  expect(read.wholeTables.filter((table) => table === 'recent_calls')).toEqual([]);
  expect(read.rows).toBeLessThan(400);
});
