import { eventLogTables } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

export const callStore: Migration = sqlMigration('CallStore1763800000001', [
  ...eventLogTables,
  `CREATE TABLE events (
     call_id uuid NOT NULL,
     version int NOT NULL,
     event_id uuid NOT NULL UNIQUE,
     app_id text NOT NULL,
     type text NOT NULL,
     occurred_at timestamptz NOT NULL,
     dataversion smallint NOT NULL,
     data json NOT NULL,
     traceparent text,
     PRIMARY KEY (call_id, version)
   )`,
  `CREATE TABLE calls (
     call_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     version int NOT NULL,
     status text NOT NULL,
     participants text[] NOT NULL,
     ended_at timestamptz
   )`,
  'CREATE INDEX calls_ended ON calls (app_id, ended_at) WHERE ended_at IS NOT NULL',
  `CREATE TABLE lines (
     app_id text NOT NULL,
     user_alias text NOT NULL,
     active_call_id uuid,
     active_device_id text,
     PRIMARY KEY (app_id, user_alias)
   )`,
  'CREATE INDEX lines_by_call ON lines (active_call_id) WHERE active_call_id IS NOT NULL',
  `CREATE TABLE rings (
     app_id text NOT NULL,
     user_alias text NOT NULL,
     call_id uuid NOT NULL,
     PRIMARY KEY (app_id, user_alias, call_id)
   )`,
  `CREATE TABLE deadlines (
     call_id uuid NOT NULL,
     kind text NOT NULL,
     user_alias text NOT NULL,
     app_id text NOT NULL,
     due_at timestamptz NOT NULL,
     extended boolean NOT NULL DEFAULT false,
     PRIMARY KEY (call_id, kind, user_alias)
   )`,
  'CREATE INDEX deadlines_due ON deadlines (due_at)',
  `CREATE TABLE commands (
     app_id text NOT NULL,
     actor text NOT NULL,
     command_id text NOT NULL,
     fingerprint text NOT NULL,
     reply json,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (app_id, actor, command_id)
   )`,
  'CREATE INDEX commands_created ON commands (created_at)',
  `CREATE TABLE device_sessions (
     session_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     user_alias text NOT NULL,
     device_id text NOT NULL,
     sequence int NOT NULL,
     closed_at timestamptz
   )`,
  'CREATE INDEX device_sessions_live ON device_sessions (app_id, user_alias, device_id) WHERE closed_at IS NULL',
  `CREATE TABLE user_settings (
     app_id text NOT NULL,
     user_alias text NOT NULL,
     sequence bigint NOT NULL,
     deleted boolean NOT NULL,
     do_not_disturb boolean NOT NULL,
     PRIMARY KEY (app_id, user_alias)
   )`,
  `CREATE TABLE app_options (
     app_id text PRIMARY KEY,
     sequence bigint NOT NULL,
     options jsonb NOT NULL
   )`,
  `CREATE TABLE call_history (
     call_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     sequence int NOT NULL,
     participants text[] NOT NULL,
     dialed_at timestamptz NOT NULL,
     call jsonb NOT NULL
   )`,
  'CREATE INDEX call_history_by_app ON call_history (app_id, dialed_at DESC, call_id DESC)',
  'CREATE INDEX call_history_by_person ON call_history USING gin (participants)',
]);
