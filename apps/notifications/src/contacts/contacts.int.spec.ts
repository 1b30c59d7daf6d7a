/*
 * How users are reached follows the newest event of each, however they come together.
 */
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { notifications } from '../migrations/1-notifications.js';
import { ContactsProjection } from './contacts.projection.js';

const fleet = new Fleet();
let schema: TestSchema;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [notifications]);
});

afterEach(() => schema.drop());

const saved = (userAlias: string, sequence: number, name: string) => ({
  type: 'user.saved',
  appid: 'app',
  subject: `app/${userAlias}`,
  sequence,
  data: { userAlias, name, email: `${name}@example.com`, locale: null, doNotDisturb: false },
});
const deleted = (userAlias: string, sequence: number) => ({ ...saved(userAlias, sequence, ''), type: 'user.deleted', data: { userAlias } });
const appSaved = { type: 'app.saved', appid: 'app', subject: 'app', sequence: 1, data: {} };

async function apply(events: object[]): Promise<number> {
  let statements = 0;
  const query = (text: string, values?: unknown[]) => {
    statements += 1;
    return schema.query(text, values);
  };
  await new ContactsProjection().apply({ topic: 'directory.events', events, tombstones: [], tx: { query } } as never);
  return statements;
}

const contacts = async () => (await schema.query('SELECT user_alias, sequence::int, name FROM contacts ORDER BY 1')).rows;

test('a batch takes one statement, and repeats and older events change nothing', async () => {
  const events = [
    saved('alice', 1, 'a1'),
    saved('bob', 1, 'b1'),
    appSaved,
    saved('alice', 2, 'a2'),
    deleted('bob', 2),
    saved('alice', 1, 'a1'),
  ];
  expect(await apply(events)).toBe(1);
  const together = await contacts();
  expect(together).toEqual([
    { user_alias: 'alice', sequence: 2, name: 'a2' },
    { user_alias: 'bob', sequence: 2, name: null },
  ]);
  for (const event of events) await apply([event]);
  expect(await contacts()).toEqual(together);
});

test('a batch of nobody takes none', async () => {
  expect(await apply([appSaved])).toBe(0);
});
