import { type Migration, sqlMigration } from '@communication-center/service';

/** How the phones of an account sign in. Those that are there are used to what was offered to all before. */
export const sipAlgorithms: Migration = sqlMigration('SipAlgorithms1764600000064', [
  `ALTER TABLE sip_accounts ADD COLUMN algorithms text[] NOT NULL DEFAULT '{MD5,SHA-256}'`,
]);
