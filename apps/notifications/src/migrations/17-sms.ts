import { concurrentIndexes, type Migration, sqlMigration } from '@communication-center/service';

/**
 * `sms_parts`: by which ids an SMSC knows the parts of an SMS, and what it said became of each: receipts name nothing else. Kept as long as
 * what they are parts of.
 */
export const sms: Migration = sqlMigration('Sms1764700000087', [
  `CREATE TABLE sms_parts (
     app_id text NOT NULL,
     provider_id text NOT NULL,
     notification_id uuid NOT NULL,
     state text,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (app_id, provider_id)
   )`,
  'CREATE INDEX sms_parts_by_notification ON sms_parts (notification_id)',
  'CREATE INDEX sms_parts_by_time ON sms_parts (created_at)',
  'CREATE INDEX sms_parts_awaited ON sms_parts (app_id, created_at) WHERE state IS NULL',
]);

/** How many SMS a user got lately: they count whatever became of them, since each was paid for. */
export const smsLately: Migration = concurrentIndexes('SmsLately1764700000088', {
  sent_sms_lately:
    "ON sent_notifications (app_id, user_alias, ended_at) WHERE channel = 'sms' AND state <> 'cancelled' AND state <> 'expired'",
});
