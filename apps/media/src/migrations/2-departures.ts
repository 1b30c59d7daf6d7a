import { type Migration, socketSessionChanges, sqlMigration } from '@communication-center/service';

/** Who left a call that may go on, and when in its life. */
export const departures: Migration = sqlMigration('Departures1763950000002', [
  `CREATE TABLE departures (
     call_id uuid NOT NULL,
     user_alias text NOT NULL,
     sequence int NOT NULL,
     noted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (call_id, user_alias)
   )`,
  socketSessionChanges,
  'CREATE INDEX departures_noted ON departures (noted_at)',
]);
