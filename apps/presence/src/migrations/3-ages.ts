import { concurrentIndexes, type Migration, sqlMigration } from '@communication-center/service';

/** What is over is found by its age. */
export const ages: Migration = concurrentIndexes('Ages1764000000011', {
  device_sessions_closed: 'ON device_sessions (closed_at) WHERE closed_at IS NOT NULL',
  seen_devices_last_seen: 'ON seen_devices (last_seen_at)',
});

/** A call's age is known once it has ended: until then its row changes without touching an index. */
export const agesOfCalls: Migration = sqlMigration('AgesOfCalls1764000000012', [
  'ALTER TABLE current_calls ADD COLUMN ended_at timestamptz GENERATED ALWAYS AS (CASE WHEN ended THEN updated_at END) STORED',
  'CREATE INDEX current_calls_ended ON current_calls (ended_at) WHERE ended_at IS NOT NULL',
]);
