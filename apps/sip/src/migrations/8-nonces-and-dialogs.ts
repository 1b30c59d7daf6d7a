import { type Migration, sqlMigration } from '@communication-center/service';

/** Which counts of a nonce were used, and what dialogs each phone was told of last. */
export const noncesAndDialogs: Migration = sqlMigration('NoncesAndDialogs1764600000064', [
  `CREATE TABLE nonce_counts (
     nonce bytea NOT NULL,
     count bigint NOT NULL,
     request bytea NOT NULL,
     used_at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (nonce, count)
   )`,
  'CREATE INDEX nonce_counts_used ON nonce_counts (used_at)',
  `ALTER TABLE subscriptions ADD COLUMN told jsonb NOT NULL DEFAULT '[]'`,
]);
