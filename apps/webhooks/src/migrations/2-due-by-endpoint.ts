import { concurrentIndexes, type Migration, sqlMigration } from '@communication-center/service';

/** Deliveries are found by their endpoint. */
export const dueByEndpoint: Migration = concurrentIndexes('DueByEndpoint1764000000011', {
  deliveries_due_by_endpoint: "ON deliveries (endpoint_id, next_attempt_at) WHERE state = 'pending'",
  deliveries_by_endpoint: 'ON deliveries (endpoint_id, created_at DESC)',
});

/** An endpoint that is deleted stops at once, and goes with its last delivery. */
export const deletedEndpoints: Migration = sqlMigration('DeletedEndpoints1764000000012', [
  'DROP INDEX deliveries_due',
  'ALTER TABLE endpoints ADD COLUMN deleted_at timestamptz',
  'CREATE INDEX endpoints_deleted ON endpoints (deleted_at) WHERE deleted_at IS NOT NULL',
]);
