import { type Migration, sqlMigration } from '@communication-center/service';

/**
 * What contacts of apps are told by e-mail, a row for each thing, under the id of its entry on record. Those of an app that are due go in one
 * letter. No address is kept: it is asked for when the letter is written.
 */
export const contactMails: Migration = sqlMigration('ContactMails1764750000088', [
  `CREATE TABLE contact_mails (
     entry_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     endpoint_id uuid NOT NULL,
     reason text NOT NULL,
     happened_at timestamptz NOT NULL,
     state text NOT NULL DEFAULT 'pending',
     attempts int NOT NULL DEFAULT 0,
     next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     ended_at timestamptz,
     why text
   )`,
  "CREATE INDEX contact_mails_due ON contact_mails (next_attempt_at) WHERE state = 'pending'",
  'CREATE INDEX contact_mails_by_app ON contact_mails (app_id, ended_at)',
  'CREATE INDEX contact_mails_by_age ON contact_mails (ended_at) WHERE ended_at IS NOT NULL',
]);
