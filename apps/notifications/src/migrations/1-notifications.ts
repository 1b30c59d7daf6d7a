import { eventLogTables } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

export const notifications: Migration = sqlMigration('Notifications1763800000001', [
  ...eventLogTables,
  `CREATE TABLE contacts (
     app_id text NOT NULL,
     user_alias text NOT NULL,
     sequence bigint NOT NULL,
     name text,
     email text,
     locale text,
     PRIMARY KEY (app_id, user_alias)
   )`,
  `CREATE TABLE emails (
     email_id uuid PRIMARY KEY,
     event_id uuid NOT NULL UNIQUE,
     app_id text NOT NULL,
     user_alias text NOT NULL,
     call_id uuid NOT NULL,
     initiator text NOT NULL,
     missed_at timestamptz NOT NULL,
     state text NOT NULL DEFAULT 'pending',
     attempts int NOT NULL DEFAULT 0,
     next_attempt_at timestamptz,
     last_error text,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     ended_at timestamptz
   )`,
  "CREATE INDEX emails_due ON emails (next_attempt_at) WHERE state = 'pending'",
]);
