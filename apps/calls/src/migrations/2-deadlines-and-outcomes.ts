import { type Migration, sqlMigration } from '@communication-center/service';

/** Media sessions know their call; the history knows how it went for each person. */
export const deadlinesAndOutcomes: Migration = sqlMigration('DeadlinesAndOutcomes1763950000002', [
  'ALTER TABLE device_sessions ADD COLUMN media_of_call uuid',
  'CREATE INDEX device_sessions_media ON device_sessions (media_of_call) WHERE media_of_call IS NOT NULL',
  "ALTER TABLE call_history ADD COLUMN status text NOT NULL DEFAULT ''",
  "ALTER TABLE call_history ADD COLUMN parts jsonb NOT NULL DEFAULT '[]'",
  'CREATE INDEX call_history_by_status ON call_history (app_id, status, dialed_at DESC)',
]);
