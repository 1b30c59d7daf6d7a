import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { SmsAnswer } from '../domain/sms-answers.js';
import { digestOf } from '../messages/message-rows.js';

/**
 * Notes that the owner of a number wants no SMS of an app any more, or wants them again. It holds for good, unlike what a provider refuses: never is
 * it old enough to be forgotten. Said again, it is as it was.
 */
export async function noteAnswer(sql: Sql, appId: AppId, { number, wish }: SmsAnswer): Promise<void> {
  if (wish === 'start') {
    await sql.query(
      `DELETE FROM refused_addresses WHERE app_id = $1 AND channel = 'sms' AND digest = ${digestOf('$2::text')} AND refused_at = 'infinity'`,
      [appId, number],
    );
    return;
  }
  await sql.query(
    `INSERT INTO refused_addresses (app_id, channel, digest, reason, refused_at)
     VALUES ($1, 'sms', ${digestOf('$2::text')}, 'its owner answered STOP', 'infinity')
     ON CONFLICT (app_id, channel, digest) DO UPDATE SET reason = excluded.reason, refused_at = excluded.refused_at`,
    [appId, number],
  );
}
