/*
 * E-mails that wait when the release is changed are sent by the new one, once, whatever replicas of the old one still write.
 */
import type { TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { moveEmails, schemaBefore } from '../messages/messages.fixture.js';

let schema: TestSchema;

beforeEach(async () => {
  schema = await schemaBefore();
});

afterEach(() => schema.drop());

const write = (state: string, attempts = 0, ended = 'NULL') =>
  schema.query<{ email_id: string }>(
    `INSERT INTO emails (email_id, event_id, app_id, user_alias, call_id, initiator, missed_at, state, attempts, next_attempt_at, ended_at)
     VALUES (gen_random_uuid(), gen_random_uuid(), 'demo', 'bob', gen_random_uuid(), 'alice', now(), $1, $2, now(), ${ended})
     ON CONFLICT (event_id) DO NOTHING RETURNING email_id`,
    [state, attempts],
  );
const move = async () => {
  for (const Migration of moveEmails) await new Migration().up({ query: async (text: string) => (await schema.query(text)).rows } as never);
};
const messages = async () =>
  (
    await schema.query<{ message_id: string; state: string }>(
      'SELECT message_id, state, rule_id, receiver FROM messages ORDER BY created_at',
    )
  ).rows;

test('what waits moves over, and what was sent lately counts; what is old is left behind', async () => {
  await write('pending');
  await write('sent', 1, "now() - interval '10 minutes'");
  await write('sent', 1, "now() - interval '3 days'");
  await move();
  expect(await messages()).toMatchObject([
    { state: 'pending', rule_id: 'missed-call', receiver: 'user:bob' },
    { state: 'ended', rule_id: 'missed-call' },
  ]);
  expect((await schema.query('SELECT 1 FROM emails')).rowCount).toBe(0);
  expect((await schema.query("SELECT 1 FROM sent_notifications WHERE state = 'accepted'")).rowCount).toBe(1);
});

test('a replica of the release before writes chains from then on, claims nothing, and brings what it has under way to its end', async () => {
  const underWay = (await write('pending', 1)).rows[0]?.email_id as string;
  await move();
  expect((await write('pending')).rowCount).toBe(0);
  expect(await messages()).toHaveLength(2);
  const claim = "UPDATE emails SET attempts = attempts + 1 WHERE email_id = $1 AND state = 'pending' RETURNING 1";
  expect((await schema.query(claim, [underWay])).rowCount).toBe(0);
  await schema.query("UPDATE emails SET state = 'sent', ended_at = now() WHERE email_id = $1", [underWay]);
  expect((await messages()).find(({ message_id }) => message_id === underWay)?.state).toBe('ended');
});
