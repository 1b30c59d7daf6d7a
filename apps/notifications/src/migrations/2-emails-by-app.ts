import { concurrentIndexes, type Migration, sqlMigration } from '@communication-center/service';

/** E-mails are found by their app, those that have ended by when they did. */
export const emailsByApp: Migration = concurrentIndexes('EmailsByApp1764000000011', {
  emails_due_by_app: "ON emails (app_id, next_attempt_at) WHERE state = 'pending'",
  emails_ended: 'ON emails (ended_at) WHERE ended_at IS NOT NULL',
});

export const emailsNotByTime: Migration = sqlMigration('EmailsNotByTime1764000000012', ['DROP INDEX emails_due']);
