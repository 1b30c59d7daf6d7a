/*
 * How users are reached follows the newest event of each, however they come together.
 */
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { notifications } from '../migrations/1-notifications.js';
import { push } from '../migrations/11-push.js';
import { rules } from '../migrations/14-rules.js';
import { smsNumbers } from '../migrations/22-sms-numbers.js';
import { ContactsProjection } from './contacts.projection.js';

const fleet = new Fleet();
let schema: TestSchema;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [notifications, push, rules, smsNumbers]);
});

afterEach(() => schema.drop());

const saved = (userAlias: string, sequence: number, name: string) => ({
  type: 'user.saved',
  appid: 'app',
  subject: `app/${userAlias}`,
  sequence,
  data: { userAlias, name, email: `${name}@example.com`, locale: null, phone: null, timeZone: null, doNotDisturb: false, groups: [] },
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

test('a batch takes one statement, and one more where somebody was deleted; repeats and older events change nothing', async () => {
  const events = [
    saved('alice', 1, 'a1'),
    saved('bob', 1, 'b1'),
    appSaved,
    saved('alice', 2, 'a2'),
    deleted('bob', 2),
    saved('alice', 1, 'a1'),
  ];
  expect(await apply(events)).toBe(2);
  expect(await apply([saved('alice', 1, 'a1')])).toBe(1);
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

test('who is deleted is pushed to no more; who was made anew since, and registered, is', async () => {
  const register = (userAlias: string, at: string) =>
    schema.query(
      `INSERT INTO push_registrations (registration_id, app_id, user_alias, device_id, kind, token_hash, target, registered_at)
       VALUES (gen_random_uuid(), 'app', $1, 'd', 'fcm', decode(md5($1), 'hex'), '{}', $2)`,
      [userAlias, at],
    );
  const wish = (userAlias: string, at: string) => schema.query("INSERT INTO preferences VALUES ('app', $1, '{}', $2)", [userAlias, at]);
  const wroteTo = (userAlias: string, when: string) =>
    schema.query(
      `INSERT INTO sent_notifications (notification_id, message_id, app_id, rule_id, channel, call_id, user_alias, state, attempts, created_at, ended_at, number_digest)
       VALUES (gen_random_uuid(), gen_random_uuid(), 'app', 'r', 'sms', gen_random_uuid(), $1, 'accepted', 1, $2, $2, '\\x01')`,
      [userAlias, when],
    );
  await wroteTo('bob', '2026-11-28T10:00:00Z');
  await wroteTo('carol', '2026-11-28T12:00:00Z');
  await wish('bob', '2026-11-28T10:00:00Z');
  await wish('carol', '2026-11-28T12:00:00Z');
  await register('bob', '2026-11-28T10:00:00Z');
  await register('carol', '2026-11-28T12:00:00Z');
  const at = (event: object) => ({ ...event, time: '2026-11-28T11:00:00.000Z' });
  await apply([at(deleted('bob', 2)), at(deleted('carol', 2))]);
  expect((await schema.query('SELECT user_alias FROM push_registrations')).rows).toEqual([{ user_alias: 'carol' }]);
  expect((await schema.query('SELECT user_alias FROM preferences')).rows).toEqual([{ user_alias: 'carol' }]);
  const numbers = 'SELECT user_alias FROM sent_notifications WHERE number_digest IS NOT NULL';
  expect((await schema.query(numbers)).rows).toEqual([{ user_alias: 'carol' }]);
  const tombstones = [{ topic: 'directory.events', key: 'user:app/carol', isFollowed: false }];
  const batch = { topic: 'directory.events', events: [], tombstones, tx: schema, isRebuild: true };
  await new ContactsProjection().apply(batch as never);
  expect((await schema.query('SELECT 1 FROM push_registrations')).rowCount).toBe(1);
  await new ContactsProjection().apply({ ...batch, isRebuild: false } as never);
  expect((await schema.query('SELECT 1 FROM push_registrations')).rowCount).toBe(0);
});
