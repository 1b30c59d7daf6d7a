/*
 * What is on record stays as it is, whoever asks the database: it can be added to, and what is old enough goes; nothing else.
 */
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directory } from '../migrations/1-directory.js';
import { auditAndSipAccounts } from '../migrations/2-audit-and-sip-accounts.js';
import { appendOnly } from '../migrations/15-append-only.js';

const fleet = new Fleet();
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.migrated(fleet, [directory, auditAndSipAccounts, appendOnly]);
  await schema.query(
    `INSERT INTO audit (entry_id, app_id, at, actor, act, target)
     SELECT gen_random_uuid(), 'demo', now() - days * interval '1 day', 'operator', 'app.saved', 'demo' FROM unnest(ARRAY[0, 0.9, 1.1, 800]) AS days`,
  );
});
afterAll(() => schema.drop());

test.each([
  ["UPDATE audit SET actor = 'nobody'"],
  ['DELETE FROM audit'],
  ["DELETE FROM audit WHERE at > now() - interval '1 day'"],
  ['TRUNCATE audit'],
])('%s is refused', async (statement) => {
  await expect(schema.query(statement)).rejects.toMatchObject({ code: '42501' });
  expect((await schema.query('SELECT FROM audit')).rowCount).toBe(4);
});

test('what is kept no longer goes', async () => {
  await schema.query("DELETE FROM audit WHERE at < now() - interval '730 days'");
  expect((await schema.query('SELECT FROM audit')).rowCount).toBe(3);
});
