import { eventLogTables } from '@communication-center/event-log';
import { type Migration, socketSessionTables, sqlMigration } from '@communication-center/service';

export const media: Migration = sqlMigration('Media1763800000001', [
  ...eventLogTables,
  ...socketSessionTables,
  `CREATE TABLE rooms (
     call_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     node text NOT NULL,
     generation int NOT NULL,
     secret text NOT NULL,
     pin text NOT NULL,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     closed_at timestamptz
   )`,
  'CREATE INDEX rooms_closed ON rooms (closed_at) WHERE closed_at IS NOT NULL',
]);
