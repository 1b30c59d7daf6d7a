import { type Migration, sqlMigration } from '@communication-center/service';

/** Deliveries are found by their endpoint; an endpoint that is deleted stops at once, and goes with its last delivery. */
export const dueByEndpoint: Migration = sqlMigration('DueByEndpoint1764000000011', [
  "CREATE INDEX deliveries_due_by_endpoint ON deliveries (endpoint_id, next_attempt_at) WHERE state = 'pending'",
  'DROP INDEX deliveries_due',
  'CREATE INDEX deliveries_by_endpoint ON deliveries (endpoint_id, created_at DESC)',
  'ALTER TABLE endpoints ADD COLUMN deleted_at timestamptz',
  'CREATE INDEX endpoints_deleted ON endpoints (deleted_at) WHERE deleted_at IS NOT NULL',
]);
