/*
 * A look is planned once for a connection, and yet reads the tables that a rebuild has put in place of the others.
 */
import type { AppId, UserAlias } from '@communication-center/contracts';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrations } from '../migrations/index.js';
import { lookAt } from './look-at.js';

const fleet = new Fleet();
const bob = { appId: 'app' as AppId, userAlias: 'bob' as UserAlias };
let schema: TestSchema;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, migrations);
});

afterEach(() => schema.drop());

test('a connection that has looked before sees the rebuilt tables', async () => {
  const connection = await schema.connect();
  const look = async () => (await lookAt(connection as never, [bob]))[0]?.known;
  await schema.query(
    "INSERT INTO known_users (app_id, user_alias, sequence, deleted, do_not_disturb) VALUES ('app', 'bob', 1, false, true)",
  );
  for (let times = 0; times < 8; times += 1) expect(await look()).toMatchObject({ doNotDisturb: true, sessions: [] });

  const shadow = `${schema.schema}_shadow`;
  await schema.query(`CREATE SCHEMA IF NOT EXISTS ${shadow}`);
  for (const table of ['known_users', 'device_sessions', 'current_calls']) {
    await schema.query(`CREATE TABLE ${shadow}.${table} (LIKE ${table} INCLUDING ALL)`);
  }
  await schema.query(
    `INSERT INTO ${shadow}.known_users (app_id, user_alias, sequence, deleted, do_not_disturb) VALUES ('app', 'bob', 2, false, false)`,
  );
  await schema.query(
    `INSERT INTO ${shadow}.device_sessions (session_id, app_id, user_alias, device_id, platform, sequence, opened_at)
     VALUES (gen_random_uuid(), 'app', 'bob', 'phone', 'web', 1, now())`,
  );
  for (const table of ['known_users', 'device_sessions', 'current_calls']) {
    await schema.query(`DROP TABLE ${table}`);
    await schema.query(`ALTER TABLE ${shadow}.${table} SET SCHEMA ${schema.schema}`);
  }
  expect(await look()).toMatchObject({ doNotDisturb: false, sessions: [{ deviceId: 'phone' }] });
  await connection.end();
});
