import { type Migration, sqlMigration } from '@communication-center/service';

export const auditAndSipAccounts: Migration = sqlMigration('AuditAndSipAccounts1763950000002', [
  `CREATE TABLE audit (
     entry_id uuid PRIMARY KEY,
     app_id text NOT NULL,
     at timestamptz NOT NULL DEFAULT clock_timestamp(),
     actor text NOT NULL,
     act text NOT NULL,
     target text NOT NULL
   )`,
  'CREATE INDEX audit_by_app ON audit (app_id, entry_id DESC)',
  `CREATE TABLE sip_accounts (
     app_id text NOT NULL REFERENCES apps,
     username text NOT NULL,
     sealed bytea NOT NULL,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (app_id, username)
   )`,
]);
