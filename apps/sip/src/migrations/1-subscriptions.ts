import { eventLogTables } from '@communication-center/event-log';
import { type Migration, sqlMigration } from '@communication-center/service';

export const subscriptions: Migration = sqlMigration('Subscriptions1763950000001', [
  ...eventLogTables,
  `CREATE TABLE subscriptions (
     local_tag text PRIMARY KEY,
     home text NOT NULL,
     app_id text NOT NULL,
     user_alias text NOT NULL,
     package text NOT NULL,
     call_id text NOT NULL,
     remote_tag text NOT NULL,
     local_uri text NOT NULL,
     remote_uri text NOT NULL,
     remote_target text NOT NULL,
     transport text NOT NULL,
     host text NOT NULL,
     port int NOT NULL,
     remote_cseq bigint NOT NULL,
     local_cseq bigint NOT NULL DEFAULT 0,
     version int NOT NULL DEFAULT 0,
     expires_at timestamptz NOT NULL
   )`,
  'CREATE INDEX subscriptions_by_home ON subscriptions (home, expires_at)',
]);
