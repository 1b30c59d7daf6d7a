import { type Migration, sqlMigration } from '@communication-center/service';

/** A call's state lies beside its events, with the version of the fold that made it; and somebody knows when deadlines were last looked for. */
export const groups: Migration = sqlMigration('Groups1764050000050', [
  'ALTER TABLE calls ADD COLUMN fold smallint, ADD COLUMN state jsonb',
  `CREATE TABLE sweepers (
     one boolean PRIMARY KEY DEFAULT true CHECK (one),
     looked_at timestamptz(3) NOT NULL,
     away_from timestamptz(3),
     away_until timestamptz(3)
   )`,
  'INSERT INTO sweepers (looked_at) VALUES (clock_timestamp())',
]);
