import { concurrentIndexes, type Migration } from '@communication-center/service';

/** How many e-mails a user got lately is seen before the next one. */
export const emailsByUser: Migration = concurrentIndexes('EmailsByUser1764400000081', {
  emails_sent_by_user: "ON emails (app_id, user_alias, ended_at) WHERE state = 'sent'",
});
