import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * Whose alias was another user's before: `until` is up to when what was recorded under it was of somebody who was deleted, and `infinity` while nobody
 * has the alias. `sequence` is that of the last event about it. A feed says since when it is known, which is when its recording is of whoever had the
 * alias then; those of before this are taken for as old as this.
 */
export const forgottenReaders: Migration = sqlMigration('ForgottenReaders1764950000130', [
  'ALTER TABLE recording_feeds ADD COLUMN noted_at timestamptz NOT NULL DEFAULT now()',
  `CREATE TABLE forgotten_readers (
     app_id text NOT NULL,
     user_alias text NOT NULL,
     sequence bigint NOT NULL,
     until timestamptz NOT NULL,
     deleted_at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (app_id, user_alias)
   )`,
  'CREATE INDEX forgotten_readers_deleted ON forgotten_readers (deleted_at)',
]);
