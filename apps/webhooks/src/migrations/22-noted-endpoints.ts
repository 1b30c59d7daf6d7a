import { type Migration, sqlMigration } from '@communication-center/service';

/** Which disabling of an endpoint by the Center is on record: those from before count as such. */
export const notedEndpoints: Migration = sqlMigration('NotedEndpoints1764750000022', [
  'ALTER TABLE endpoints ADD COLUMN disabled_noted timestamptz',
  'UPDATE endpoints SET disabled_noted = disabled_at WHERE disabled_at IS NOT NULL',
  `CREATE INDEX endpoints_unnoted ON endpoints (disabled_at)
   WHERE disabled_at IS NOT NULL AND deleted_at IS NULL AND disabled_reason <> 'disabled by request' AND disabled_noted IS DISTINCT FROM disabled_at`,
]);
