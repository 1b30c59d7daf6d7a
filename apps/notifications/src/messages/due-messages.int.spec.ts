/*
 * Among hundreds of thousands of messages, those of every app are found at once, by an index, and what a step asks for is read by indexes, too.
 */
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { notifications } from '../migrations/1-notifications.js';
import { push } from '../migrations/11-push.js';
import { rules } from '../migrations/14-rules.js';
import { sms, smsLately } from '../migrations/17-sms.js';
import { type ClaimedMessage, waitingMessages, whatToKnow } from './message-rows.js';

const fleet = new Fleet();
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.migrated(fleet, [notifications, push, rules, sms, smsLately]);
  const write = (app: string, count: number, state: string, due: string) =>
    schema.query(
      `INSERT INTO messages (message_id, app_id, event_id, rule_id, receiver, user_alias, call_id, sequence, about, rule, until, state, next_attempt_at, ended_at)
       SELECT gen_random_uuid(), $1, gen_random_uuid()::text, 'missed-call', 'user:bob', 'bob', gen_random_uuid(), 1, '{"initiator": "alice"}', '{}', now(), $3,
              now() + $4::interval, CASE WHEN $3 <> 'pending' THEN now() END
       FROM generate_series(1, $2::int)`,
      [app, count, state, due],
    );
  await write('loud', 30_000, 'pending', '-1 hour');
  await write('loud', 50_000, 'ended', '0');
  await write('quiet', 3, 'pending', '-1 minute');
  await write('quiet', 3, 'pending', '1 hour');
  await schema.query(
    `INSERT INTO sent_notifications (notification_id, message_id, app_id, rule_id, channel, call_id, user_alias, state, attempts, created_at)
     SELECT gen_random_uuid(), gen_random_uuid(), 'loud', 'missed-call', CASE WHEN n % 500 = 1 THEN 'sms' WHEN n % 2 = 0 THEN 'email' ELSE 'push' END, gen_random_uuid(), 'bob', 'accepted', 1, now()
     FROM generate_series(1, 50000) AS n`,
  );
  await schema.analyze();
}, 60_000);

afterAll(() => schema.drop());

test('an app with 30,000 messages to send does not hide the three of another', async () => {
  const { due, next } = await waitingMessages.due(schema, '');
  expect(due.filter(({ turn }) => turn === 'quiet')).toHaveLength(3);
  expect(due.length).toBeLessThanOrEqual(253);
  expect(next).toBe('');
});

test('looking goes by an index and reads no more than what it finds', async () => {
  const looking = await rowsReadBy(schema, (sql) => waitingMessages.due(sql, ''));
  expect(looking.wholeTables).toEqual([]);
  expect(looking.rows).toBeLessThan(1000);
});

test('a message is claimed by one, with all that its step may ask for, of a hundred thousand others as many as count', async () => {
  const first = async (app: string) => {
    const { rows } = await schema.query<{ message_id: string }>(
      "SELECT message_id FROM messages WHERE app_id = $1 AND state = 'pending' LIMIT 1",
      [app],
    );
    return rows[0]?.message_id as string;
  };
  const claimOf = async (app: string) => {
    const claim = { made: 0, seconds: 120, returning: whatToKnow };
    const id = await first(app);
    const claims: (ClaimedMessage | undefined)[] = [];
    const read = await rowsReadBy(schema, async (sql) => {
      claims.push(await waitingMessages.claim<ClaimedMessage>(sql, id, claim));
    });
    // What was read for was rolled back.
    const taken = await Promise.all([1, 2, 3].map(() => waitingMessages.claim<ClaimedMessage>(schema, id, claim)));
    // Of the other tables there are too few rows for an index.
    const readsAll = read.wholeTables.filter((table) => table === 'messages' || table === 'sent_notifications');
    return {
      lately: claims[0]?.lately,
      sms: claims[0]?.sms_lately,
      taken: taken.filter(Boolean).length,
      readsAll,
      isFew: read.rows < 1300,
    };
  };
  expect(await claimOf('loud')).toEqual({ lately: 1000, sms: 100, taken: 1, readsAll: [], isFew: true });
  expect(await claimOf('quiet')).toEqual({ lately: 0, sms: 0, taken: 1, readsAll: [], isFew: true });
});
