import { type Migration, sqlMigration } from '@communication-center/service';

/** What has ended, numbered without a gap; and up to when a user's tokens have. */
export const ends: Migration = sqlMigration('Ends1764500000058', [
  'ALTER TABLE users ADD COLUMN tokens_ended_at timestamptz',
  `CREATE TABLE ends (
     sequence bigint PRIMARY KEY,
     at timestamptz NOT NULL DEFAULT clock_timestamp(),
     ended jsonb NOT NULL
   )`,
  'CREATE INDEX ends_at ON ends (at)',
  'CREATE TABLE end_count (last bigint NOT NULL)',
  'INSERT INTO end_count VALUES (0)',
]);
