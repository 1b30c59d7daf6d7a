import { type Migration, sqlMigration } from '@communication-center/service';

/** However many endpoints an app has deleted, each event finds the live ones without them. */
export const liveEndpoints: Migration = sqlMigration('LiveEndpoints1764000000031', [
  'CREATE INDEX endpoints_live ON endpoints (app_id, created_at) WHERE deleted_at IS NULL',
  'DROP INDEX endpoints_by_app',
]);
