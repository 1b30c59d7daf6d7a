import { eventLogTables } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

export const directory: Migration = sqlMigration('Directory1763800000001', [
  ...eventLogTables,
  `CREATE TABLE apps (
     app_id text PRIMARY KEY,
     name text NOT NULL,
     trusts_bare_alias boolean NOT NULL,
     options jsonb NOT NULL,
     sequence bigint NOT NULL,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  `CREATE TABLE api_keys (
     key_id uuid PRIMARY KEY,
     app_id text NOT NULL REFERENCES apps,
     name text NOT NULL,
     hash bytea NOT NULL UNIQUE,
     scopes text[] NOT NULL,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     revoked_at timestamptz
   )`,
  `CREATE TABLE app_secrets (
     kid uuid PRIMARY KEY,
     app_id text NOT NULL REFERENCES apps,
     sealed bytea NOT NULL,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     revoked_at timestamptz
   )`,
  'CREATE INDEX app_secrets_by_app ON app_secrets (app_id, created_at)',
  `CREATE TABLE users (
     app_id text NOT NULL REFERENCES apps,
     user_alias text NOT NULL,
     name text,
     picture text,
     email text,
     phone text,
     locale text,
     do_not_disturb boolean NOT NULL DEFAULT false,
     sequence bigint NOT NULL,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     deleted_at timestamptz,
     PRIMARY KEY (app_id, user_alias)
   )`,
]);
