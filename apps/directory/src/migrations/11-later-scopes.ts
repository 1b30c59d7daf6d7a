import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * Scopes that the first release did not know, apart from those it did: its replicas go on reading keys while this is rolled out. Who could
 * mint tokens may go on; null marks a key that such a replica makes after this.
 */
export const laterScopes: Migration = sqlMigration('LaterScopes1764600000062', [
  'ALTER TABLE api_keys ADD COLUMN later_scopes text[]',
  "UPDATE api_keys SET later_scopes = CASE WHEN 'users' = ANY(scopes) THEN '{tokens}'::text[] ELSE '{}' END",
]);
