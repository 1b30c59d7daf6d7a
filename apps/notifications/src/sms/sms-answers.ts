import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { SmsAnswer } from '../domain/sms-answers.js';
import { digestOf } from '../messages/message-rows.js';

/** Whether an app writes to the number `$2`: a user's, a rule's, or one that it wrote to as long ago as is on record. */
const isWrittenTo = `EXISTS (SELECT 1 FROM contacts WHERE app_id = $1 AND phone = $2::text)
  OR EXISTS (SELECT 1 FROM sent_notifications WHERE app_id = $1 AND number_digest = ${digestOf('$2::text')})
  OR EXISTS (SELECT 1 FROM notification_rules WHERE app_id = $1 AND rule #>> '{to,phone}' = $2::text)`;

/**
 * Notes that the owner of a number wants no SMS of an app any more, or wants them again. It holds for good, unlike what a provider refuses: never is
 * it old enough to be forgotten. So that nobody else fills the list, a STOP counts from a number that the app writes to. Said again, it is as it was.
 * @returns whether it counts.
 */
export async function noteAnswer(sql: Sql, appId: AppId, { number, wish }: SmsAnswer): Promise<boolean> {
  if (wish === 'start') {
    await sql.query(
      `DELETE FROM refused_addresses WHERE app_id = $1 AND channel = 'sms' AND digest = ${digestOf('$2::text')} AND refused_at = 'infinity'`,
      [appId, number],
    );
    return true;
  }
  const { rowCount } = await sql.query(
    `INSERT INTO refused_addresses (app_id, channel, digest, reason, refused_at)
     SELECT $1, 'sms', ${digestOf('$2::text')}, 'its owner answered STOP', 'infinity' WHERE ${isWrittenTo}
     ON CONFLICT (app_id, channel, digest) DO UPDATE SET reason = excluded.reason, refused_at = excluded.refused_at`,
    [appId, number],
  );
  return rowCount === 1;
}
