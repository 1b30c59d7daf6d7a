import { type Migration, sqlMigration } from '@communication-center/service';

/** Which calls are kept: those whose id is not less than this one. Ids begin with their time. */
export const keptCalls: Migration = sqlMigration('KeptCalls1764330000051', [
  `CREATE TABLE kept_calls (
     one boolean PRIMARY KEY DEFAULT true CHECK (one),
     from_id uuid NOT NULL
   )`,
  "INSERT INTO kept_calls (from_id) VALUES ('00000000-0000-0000-0000-000000000000')",
]);
