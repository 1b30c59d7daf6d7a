import { type Migration, sqlMigration } from '@communication-center/service';

/** Users may be in groups: who shares one may see the other, if the app says so. */
export const groups: Migration = sqlMigration('Groups1764540000067', ["ALTER TABLE users ADD COLUMN groups text[] NOT NULL DEFAULT '{}'"]);
