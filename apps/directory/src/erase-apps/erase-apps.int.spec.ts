/*
 * A deleted app goes in batches, each told as it goes: whoever is killed leaves the rest to the next, every user is told to be deleted
 * once, with the key erased after it, and what belongs to others stays.
 */
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directory } from '../migrations/1-directory.js';
import { auditAndSipAccounts } from '../migrations/2-audit-and-sip-accounts.js';
import { consumers } from '../migrations/4-consumers.js';
import { outbox } from '../migrations/6-outbox.js';
import { outboxFunctions } from '../migrations/7-outbox-functions.js';
import { outboxRows } from '../migrations/9-outbox-rows.js';
import { ends } from '../migrations/10-ends.js';
import { appStates } from '../migrations/13-app-states.js';
import { groups } from '../migrations/14-groups.js';
import { appendOnly } from '../migrations/15-append-only.js';
import { storedBytes } from '../migrations/16-stored-bytes.js';
import { eraseSome } from './erase-apps.js';

const fleet = new Fleet();
const count = 450;
let schema: TestSchema;

beforeAll(async () => {
  const migrations = [
    directory,
    auditAndSipAccounts,
    consumers,
    outbox,
    outboxFunctions,
    outboxRows,
    ends,
    appStates,
    groups,
    appendOnly,
    storedBytes,
  ];
  schema = await TestSchema.migrated(fleet, migrations);
  for (const app of ['gone', 'other']) {
    await schema.query("INSERT INTO apps (app_id, name, trusts_bare_alias, options, sequence) VALUES ($1, '', false, '{}', 1)", [app]);
    await schema.query(
      "INSERT INTO users (app_id, user_alias, name, sequence) SELECT $1, 'u' || n, 'Name', 7 FROM generate_series(1, $2::int) AS n",
      [app, count],
    );
    await schema.query("INSERT INTO sip_accounts (app_id, username, sealed) VALUES ($1, 'pbx', '')", [app]);
    await schema.query("INSERT INTO app_secrets (kid, app_id, sealed) VALUES (gen_random_uuid(), $1, '')", [app]);
  }
  await schema.query("UPDATE users SET deleted_at = now() WHERE app_id = 'gone' AND user_alias = 'u1'");
  await schema.query("UPDATE apps SET state = 'deleted', deleted_at = now() WHERE app_id = 'gone'");
});
afterAll(() => schema.drop());

const left = async (table: string, app: string) => (await schema.query(`SELECT FROM ${table} WHERE app_id = $1`, [app])).rowCount;
const step = () => schema.transaction((tx) => eraseSome(tx as never));

test('an app goes bit by bit, whoever is killed meanwhile, and no other does', async () => {
  await step();
  expect(await left('users', 'gone')).toBe(count - 200);
  const killed = schema.transaction(async (tx) => {
    await eraseSome(tx as never);
    throw new Error('killed');
  });
  await expect(killed).rejects.toThrow('killed');
  expect(await left('users', 'gone')).toBe(count - 200);
  // Two replicas that are at it at the same time do not do the same.
  let steps = 0;
  for (let isMore = true; isMore; steps += 1) isMore = (await Promise.all([step(), step()])).some((one) => one !== undefined);
  expect(steps).toBeLessThan(12);
  expect([await left('stored_bytes', 'gone'), await left('stored_bytes', 'other')]).toEqual([0, expect.any(Number)]);
  for (const table of ['users', 'sip_accounts', 'app_secrets'])
    expect([table, await left(table, 'gone'), (await left(table, 'other')) ?? 0]).toEqual([table, 0, table === 'users' ? count : 1]);
  const { rows } = await schema.query<{ key: string; events: { type: string; sequence: number }[] }>(
    "SELECT key, json_agg(event ORDER BY id) AS events FROM outbox WHERE topic = 'directory.events' GROUP BY key",
  );
  // The one that was told to be deleted before is not told again.
  expect(rows).toHaveLength(count - 1);
  for (const { events } of rows) expect(events).toMatchObject([{ type: 'user.deleted', sequence: 8 }, null]);
  expect((await schema.query("SELECT FROM apps WHERE app_id = 'gone' AND erased_at IS NOT NULL")).rowCount).toBe(1);
  expect(await left('audit', 'gone')).toBe(1);
  expect(await step()).toBeUndefined();
});
