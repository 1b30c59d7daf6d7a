import { type Migration, sqlMigration } from '@communication-center/service';

/** However many secrets an app has revoked, the live ones are found without them. */
export const liveSecrets: Migration = sqlMigration('LiveSecrets1764000000031', [
  'CREATE INDEX app_secrets_live ON app_secrets (app_id, created_at) WHERE revoked_at IS NULL',
  'DROP INDEX app_secrets_by_app',
]);
