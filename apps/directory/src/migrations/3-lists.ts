import { type Migration, sqlMigration } from '@communication-center/service';

/** What is listed is found by its app, what is over by its age. */
export const lists: Migration = sqlMigration('Lists1764000000011', [
  'CREATE INDEX api_keys_by_app ON api_keys (app_id, created_at) WHERE revoked_at IS NULL',
  'CREATE INDEX audit_at ON audit (at)',
]);
