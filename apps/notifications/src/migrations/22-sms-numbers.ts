import { concurrentIndexes, type Migration, sqlMigration } from '@communication-center/service';

/** To which number an SMS went, as a digest: the STOP of a number that an app never writes to is not kept. */
export const smsNumbers: Migration = sqlMigration('SmsNumbers1764780000096', [
  'ALTER TABLE sent_notifications ADD COLUMN number_digest bytea',
]);

/** Whether an app writes to a number: to a user's, or to one that it wrote to lately. */
export const smsNumbersFound: Migration = concurrentIndexes('SmsNumbersFound1764780000097', {
  contacts_by_phone: 'ON contacts (app_id, phone) WHERE phone IS NOT NULL',
  sent_sms_by_number: 'ON sent_notifications (app_id, number_digest) WHERE number_digest IS NOT NULL',
});
