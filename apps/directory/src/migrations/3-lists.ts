import { concurrentIndexes, type Migration } from '@communication-center/service';

/** What is listed is found by its app, what is over by its age. */
export const lists: Migration = concurrentIndexes('Lists1764000000011', {
  api_keys_by_app: 'ON api_keys (app_id, created_at) WHERE revoked_at IS NULL',
  audit_at: 'ON audit (at)',
});
