import { type Migration, sqlMigration } from '@communication-center/service';

/** E-mails are found by their app, those that have ended by when they did. */
export const emailsByApp: Migration = sqlMigration('EmailsByApp1764000000011', [
  "CREATE INDEX emails_due_by_app ON emails (app_id, next_attempt_at) WHERE state = 'pending'",
  'DROP INDEX emails_due',
  'CREATE INDEX emails_ended ON emails (ended_at) WHERE ended_at IS NOT NULL',
]);
