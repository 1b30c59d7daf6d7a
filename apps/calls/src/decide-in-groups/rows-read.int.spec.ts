/*
 * A command and a deadline read what they concern, however many other calls there are.
 */
import type { Transaction } from '@communication-center/event-log';
import { Fleet, rowsReadBy } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeadlineSweep } from '../deadlines/deadline-sweep.js';
import { DecisionRoom } from './decision-room.js';
import { app, chances, keyOf, phoneOf, Store, user } from './store.fixture.js';

const fleet = new Fleet();
let store: Store;

beforeEach(async () => {
  store = await Store.make(fleet);
  await store.schema.query(
    `WITH made AS (
       INSERT INTO calls (call_id, app_id, version, status, participants)
       SELECT gen_random_uuid(), 'app', 1, 'ringing', ARRAY['x-' || number, 'y-' || number] FROM generate_series(1, 30000) AS number
       RETURNING call_id, participants
     ), line AS (INSERT INTO lines (app_id, user_alias, active_call_id) SELECT 'app', participants[1], call_id FROM made
     ), ring AS (INSERT INTO rings (app_id, user_alias, call_id) SELECT 'app', participants[2], call_id FROM made
     ), command AS (INSERT INTO commands (app_id, actor, command_id, fingerprint) SELECT 'app', 'key:one', call_id::text, '' FROM made
     ), session AS (
       INSERT INTO device_sessions (session_id, app_id, user_alias, device_id, sequence) SELECT call_id, 'app', participants[1], 'phone', 1 FROM made
     ) INSERT INTO deadlines (call_id, app_id, kind, user_alias, due_at)
       SELECT call_id, 'app', 'ring', participants[2], now() + interval '1 hour' FROM made`,
  );
  await store.schema.analyze();
});
afterEach(() => store.end());

test('an answer and a deadline read a few dozen rows', async () => {
  const call = await store.dial('ann', ['bob']);
  const due = await store.dial('dan', ['eve']);
  await store.schema.query("UPDATE deadlines SET due_at = now() WHERE call_id = $1 AND kind = 'ring'", [due.callId]);
  const read = await rowsReadBy(store.schema, async (sql) => {
    const database = {
      query: sql.query,
      transaction: <T>(work: (tx: Transaction) => Promise<T>) => work({ query: sql.query, last: sql.query, alone: sql.query }),
    };
    const room = new DecisionRoom(
      database,
      { committed: () => undefined },
      { CONNECTION_GRACE_MS: 1000, DATABASE_POOL: 8 },
      () => undefined,
    );
    const command = { type: 'AnswerCall', callId: call.callId, userAlias: user('bob'), deviceId: phoneOf('bob') } as const;
    const answered = await room.carryOut({ appId: app, command, key: keyOf('once') });
    expect(answered).toMatchObject({ call: { status: 'connected' } });
    const errors: unknown[] = [];
    const sweep = new DeadlineSweep({
      database,
      committed: () => undefined,
      onFired: () => undefined,
      report: (error) => errors.push(error),
      chances,
    });
    await sweep.look();
    await sweep.stop();
    expect(errors).toEqual([]);
  });
  expect(read.wholeTables.filter((table) => table !== 'sweepers' && table !== 'user_settings' && table !== 'topic_partitions')).toEqual([]);
  expect(read.rows).toBeLessThan(100);
});
