import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * Scopes that the first release did not know, apart from those it did: its replicas go on reading and making keys while this is rolled
 * out. Null marks a key that such a release made: one that manages users mints their tokens, too, as it always could.
 */
export const laterScopes: Migration = sqlMigration('LaterScopes1764600000073', ['ALTER TABLE api_keys ADD COLUMN later_scopes text[]']);
