/*
 * Among hundreds of thousands of e-mails, those of every app are found at once, by an index, and few rows are read for it.
 */
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { notifications } from '../migrations/1-notifications.js';
import { emailsByApp, emailsNotByTime } from '../migrations/2-emails-by-app.js';
import { traces } from '../migrations/6-traces.js';
import { emailsByUser } from '../migrations/8-emails-by-user.js';
import { findDueEmails, waitingEmails } from './due-emails.js';
import { whatToSend } from './missed-call-emails.js';

const fleet = new Fleet();
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.migrated(fleet, [notifications, emailsByApp, emailsNotByTime, traces, emailsByUser]);
  const write = (app: string, count: number, state: string, due: string) =>
    schema.query(
      `INSERT INTO emails (email_id, event_id, app_id, user_alias, call_id, initiator, missed_at, state, next_attempt_at, ended_at)
       SELECT gen_random_uuid(), gen_random_uuid(), $1, 'bob', gen_random_uuid(), 'alice', now(), $3, now() + $4::interval,
              CASE WHEN $3 <> 'pending' THEN now() END
       FROM generate_series(1, $2::int)`,
      [app, count, state, due],
    );
  await write('loud', 50_000, 'pending', '-1 hour');
  await write('loud', 100_000, 'sent', '0');
  await write('quiet', 3, 'pending', '-1 minute');
  await write('quiet', 3, 'pending', '1 hour');
  await schema.analyze();
}, 60_000);

afterAll(() => schema.drop());

test('an app with 50,000 e-mails to send does not hide the three of another', async () => {
  const { due, next } = await findDueEmails(schema, '');
  const { rows } = await schema.query<{ count: string }>("SELECT count(*) FROM emails WHERE app_id = 'quiet' AND email_id = ANY($1)", [
    due.map(({ emailId }) => emailId),
  ]);
  expect(rows[0]?.count).toBe('3');
  expect(due.length).toBeLessThanOrEqual(253);
  expect(next).toBe('');
});

test('looking goes by an index and reads no more than what it finds', async () => {
  const looking = await rowsReadBy(schema, (sql) => findDueEmails(sql, ''));
  expect(looking.wholeTables).toEqual([]);
  expect(looking.rows).toBeLessThan(1000);
});

test('an e-mail is claimed by one, with whom to write to as it is known now', async () => {
  await schema.query(
    "INSERT INTO contacts (app_id, user_alias, sequence, name, email) VALUES ('quiet', 'bob', 1, 'Bob', 'bob@example.com')",
  );
  const { rows } = await schema.query<{ email_id: string }>("SELECT email_id FROM emails WHERE app_id = 'quiet' LIMIT 1");
  const emailId = rows[0]?.email_id as string;
  const claims = await Promise.all(
    [1, 2, 3].map(() => waitingEmails.claim(schema, emailId, { made: 0, seconds: 120, returning: whatToSend })),
  );
  const claimed = claims.filter((one) => one !== undefined);
  expect(claimed).toHaveLength(1);
  expect(claimed[0]).toMatchObject({
    attempts: 1,
    known: true,
    to: 'bob@example.com',
    callee_name: 'Bob',
    caller_name: 'alice',
    locale: null,
  });
});

test('with it comes how many its user got within the hour, of a hundred thousand as many as count', async () => {
  const lately = async (app: string) => {
    const { rows } = await schema.query<{ email_id: string; attempts: number }>(
      "SELECT email_id, attempts FROM emails WHERE app_id = $1 AND state = 'pending' LIMIT 1",
      [app],
    );
    const { email_id = '', attempts = 0 } = rows[0] ?? {};
    const claimed = { told: -1 };
    const read = await rowsReadBy(schema, async (sql) => {
      const claim = { made: attempts, seconds: 120, returning: whatToSend };
      claimed.told = (await waitingEmails.claim<{ lately: number }>(sql, email_id, claim))?.lately ?? -1;
    });
    // Of contacts there are too few for an index.
    return { told: claimed.told, readsAll: read.wholeTables.includes('emails'), isFew: read.rows < 1100 };
  };
  expect(await lately('loud')).toEqual({ told: 1000, readsAll: false, isFew: true });
  expect(await lately('quiet')).toEqual({ told: 0, readsAll: false, isFew: true });
});
