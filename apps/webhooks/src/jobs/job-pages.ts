import type { Sql } from '@communication-center/event-log';
import type { Standing } from '../domain/handed-over.js';
import type { Message, PlacedMessage } from '../domain/message.js';
import { readFrom } from '../messages/message-rows.js';
import { momentOf, standing } from '../read-messages/message-states.js';
import type { Job, JobCursor } from './job-rows.js';

/** What a job looks at next, in its order. */
export interface JobPage {
  messages: Message[];
  cursor: JobCursor | null;
  /** Whether there is nothing after it. */
  isLast: boolean;
}

/** Reads what a job is to look at next: what there was when it was made, and nothing twice. */
export async function nextPage(sql: Sql, job: Job, most: number): Promise<JobPage> {
  if (job.wish.kind === 'recover') return givenUp(sql, job, most);
  return job.wish.position === undefined ? ofTimes(sql, job, most) : ofPlaces(sql, job, job.wish.position, most);
}

async function ofPlaces(sql: Sql, { appId, cursor, last }: Job, from: number, most: number): Promise<JobPage> {
  const { messages, upTo, isAll } = await readFrom(sql, appId, cursor ? Number(cursor.key) : from, most);
  const within = messages.filter(({ position }) => position <= last);
  return { messages: within, cursor: { moment: null, key: String(upTo) }, isLast: isAll || upTo >= last };
}

type Row<T> = Omit<T, 'occurredAt'> & { occurredAt: Date; moment: string; key: string };

/** By the times at which they occurred: what came late is among them, though its place is higher than that of others. */
async function ofTimes(sql: Sql, { appId, wish, cursor, last, createdAt }: Job, most: number): Promise<JobPage> {
  const values: unknown[] = [appId, cursor?.moment ?? wish.since ?? '-infinity', cursor?.key ?? '0', wish.until ?? createdAt, last, most];
  const isOfSubject = wish.subject === undefined ? '' : `AND subject = $${values.push(wish.subject)}`;
  const { rows } = await sql.query<Row<PlacedMessage>>(
    `SELECT message_id AS "messageId", app_id AS "appId", position::float8, type, subject, sequence::float8, source, dataversion, data, traceparent,
            occurred_at AS "occurredAt", ${momentOf('occurred_at')} AS moment, position::text AS key
     FROM messages WHERE app_id = $1 ${isOfSubject} AND (occurred_at, position) > ($2, $3::bigint) AND occurred_at < $4 AND position <= $5
     ORDER BY occurred_at, position LIMIT $6`,
    values,
  );
  return pageOf(rows, most, cursor);
}

/** By the times at which they were given up: what is given up again meanwhile is not among them. */
async function givenUp(sql: Sql, { appId, endpointId, wish, cursor, createdAt }: Job, most: number): Promise<JobPage> {
  const when = 'coalesce(failed_at, created_at)';
  const first = '00000000-0000-0000-0000-000000000000';
  const { rows } = await sql.query<{ message: Message; moment: string; key: string }>(
    `SELECT message, ${momentOf(when)} AS moment, message_id::text AS key FROM undelivered
     WHERE endpoint_id = $2 AND app_id = $1 AND state = 'failed' AND (${when}, message_id) > ($3, $4::uuid) AND ${when} < $5
     ORDER BY ${when}, message_id LIMIT $6`,
    [appId, endpointId, cursor?.moment ?? wish.since ?? '-infinity', cursor?.key ?? first, wish.until ?? createdAt, most],
  );
  return {
    messages: rows.map(({ message }) => message),
    cursor: cursorAfter(rows) ?? cursor,
    isLast: rows.length < most,
  };
}

const cursorAfter = (rows: readonly { moment: string; key: string }[]): JobCursor | undefined => {
  const last = rows.at(-1);
  return last && { moment: last.moment, key: last.key };
};

function pageOf(rows: readonly Row<PlacedMessage>[], most: number, before: JobCursor | null): JobPage {
  const messages = rows.map(({ moment: _, key: __, ...row }) => ({ ...row, occurredAt: row.occurredAt.toISOString() }));
  return { messages, cursor: cursorAfter(rows) ?? before, isLast: rows.length < most };
}

export async function standingsOf(
  sql: Sql,
  endpointId: string,
  messages: readonly Message[],
): Promise<Map<string, Omit<Standing, 'isWanted'>>> {
  if (messages.length === 0) return new Map();
  const { columns, joins } = standing('$1::uuid');
  const { rows } = await sql.query<{
    messageId: string;
    position: number | null;
    undelivered: string | null;
    attempts: number | null;
    readTo: number | null;
  }>(
    `SELECT m.message_id AS "messageId", m.position::float8, ${columns}
     FROM json_to_recordset($2::json) AS one("messageId" uuid, "occurredAt" timestamptz, position bigint),
       LATERAL (SELECT one."messageId" AS message_id, one."occurredAt" AS occurred_at, one.position) AS m ${joins}`,
    [endpointId, JSON.stringify(messages.map(({ messageId, occurredAt, position }) => ({ messageId, occurredAt, position })))],
  );
  return new Map(
    rows.map(({ messageId, position, undelivered, attempts, readTo }) => [
      messageId,
      {
        attempts: attempts ?? 0,
        isWaiting: undelivered === 'waiting' || undelivered === 'held',
        isToCome: (attempts ?? 0) === 0 && undelivered === null && position !== null && position > (readTo ?? 0),
      },
    ]),
  );
}
