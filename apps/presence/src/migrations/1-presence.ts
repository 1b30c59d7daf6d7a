import { eventLogTables } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

export const presence: Migration = sqlMigration('Presence1763800000001', [
  ...eventLogTables,
  `CREATE TABLE people (
     app_id text NOT NULL,
     user_alias text NOT NULL,
     version bigint NOT NULL,
     last_seen_at timestamptz,
     PRIMARY KEY (app_id, user_alias)
   )`,
  `CREATE TABLE known_users (
     app_id text NOT NULL,
     user_alias text NOT NULL,
     sequence bigint NOT NULL,
     deleted boolean NOT NULL,
     PRIMARY KEY (app_id, user_alias)
   )`,
  `CREATE TABLE device_sessions (
     session_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     user_alias text NOT NULL,
     device_id text NOT NULL,
     platform text NOT NULL,
     sequence int NOT NULL,
     opened_at timestamptz,
     closed_at timestamptz
   )`,
  'CREATE INDEX device_sessions_open ON device_sessions (app_id, user_alias) WHERE closed_at IS NULL',
  `CREATE TABLE current_calls (
     call_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     sequence int NOT NULL,
     ended boolean NOT NULL,
     participants text[] NOT NULL,
     call jsonb NOT NULL,
     updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  'CREATE INDEX current_calls_by_person ON current_calls USING gin (participants) WHERE NOT ended',
]);
