import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * `notification_logs`: which apps have the pushes of rings told as events. Of a push: its place among its events, when it was first handed
 * over, since when its device rings, and when it was opened.
 */
export const toldRings: Migration = sqlMigration('ToldRings1764760000088', [
  `CREATE TABLE notification_logs (
     app_id text PRIMARY KEY,
     rings boolean NOT NULL,
     saved_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  `ALTER TABLE ring_pushes ADD COLUMN sequence int NOT NULL DEFAULT 1, ADD COLUMN sent_at timestamptz, ADD COLUMN rang_at timestamptz,
     ADD COLUMN opened_at timestamptz`,
]);
