import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';

export interface DueEmail {
  emailId: string;
  /** Attempts that were made. */
  made: number;
}

const appsAtOnce = 200;
const rowsAtOnce = 500;

/**
 * Finds e-mails whose time has passed, a few of each app: an app with thousands of them holds up nobody else's. It goes round
 * the apps that have some waiting, by an index, some apps at a time.
 * @param after where the round stands; the empty string at its beginning. @returns the oldest of each app, and where it stands now.
 */
export async function findDueEmails(sql: Sql, after: AppId | ''): Promise<{ due: DueEmail[]; next: AppId | '' }> {
  const { rows } = await sql.query<{ app_id: AppId; number: number; email_id: string | null; attempts: number }>(
    `WITH RECURSIVE app AS (
       (SELECT app_id, 1 AS number FROM emails WHERE state = 'pending' AND app_id > $1 ORDER BY app_id LIMIT 1)
       UNION ALL
       SELECT next.app_id, app.number + 1 FROM app, LATERAL (
         SELECT app_id FROM emails WHERE state = 'pending' AND app_id > app.app_id ORDER BY app_id LIMIT 1
       ) AS next WHERE app.number < $2)
     SELECT app.app_id, app.number, due.email_id, due.attempts FROM app LEFT JOIN LATERAL (
       SELECT email_id, attempts FROM emails
       WHERE state = 'pending' AND app_id = app.app_id AND next_attempt_at < now() - interval '2 seconds'
       ORDER BY next_attempt_at LIMIT (SELECT $3::bigint / count(*) FROM app)
     ) AS due ON true ORDER BY app.number`,
    [after, appsAtOnce, rowsAtOnce],
  );
  const last = rows.at(-1);
  return {
    due: rows.flatMap(({ email_id, attempts }) => (email_id === null ? [] : [{ emailId: email_id, made: attempts }])),
    next: last?.number === appsAtOnce ? last.app_id : '',
  };
}
