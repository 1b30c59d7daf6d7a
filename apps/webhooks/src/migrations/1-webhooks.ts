import { eventLogTables } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

export const webhooks: Migration = sqlMigration('Webhooks1763800000001', [
  ...eventLogTables,
  `CREATE TABLE endpoints (
     endpoint_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     url text NOT NULL,
     description text NOT NULL,
     event_types text[] NOT NULL,
     sealed_secret bytea NOT NULL,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     disabled_at timestamptz,
     disabled_reason text
   )`,
  'CREATE INDEX endpoints_by_app ON endpoints (app_id)',
  `CREATE TABLE deliveries (
     delivery_id uuid PRIMARY KEY,
     endpoint_id uuid NOT NULL REFERENCES endpoints ON DELETE CASCADE,
     app_id text NOT NULL,
     event_id uuid NOT NULL,
     event_type text NOT NULL,
     key text NOT NULL,
     body text NOT NULL,
     state text NOT NULL DEFAULT 'pending',
     attempts int NOT NULL DEFAULT 0,
     next_attempt_at timestamptz,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     UNIQUE (endpoint_id, event_id)
   )`,
  "CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE state = 'pending'",
  "CREATE INDEX deliveries_ended ON deliveries (created_at) WHERE state <> 'pending'",
  'CREATE INDEX deliveries_by_app ON deliveries (app_id, created_at DESC)',
  `CREATE TABLE attempts (
     delivery_id uuid NOT NULL REFERENCES deliveries ON DELETE CASCADE,
     attempt int NOT NULL,
     at timestamptz NOT NULL DEFAULT clock_timestamp(),
     status int,
     error text,
     duration_ms int NOT NULL,
     PRIMARY KEY (delivery_id, attempt)
   )`,
]);
