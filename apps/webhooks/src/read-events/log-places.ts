import type { AppId } from '@communication-center/contracts';
import type { Database, Sql } from '@communication-center/event-log';
import { ProblemError } from '@communication-center/service';
import { readCursor, writeCursor } from '../domain/event-cursor.js';
import { type PlacedMessage } from '../domain/message.js';
import { readFrom } from '../messages/message-rows.js';

const dayMs = 86_400_000;
/** No cursor is so short and of digits alone. */
const positionAsTold = /^\d{1,15}$/;
/** Clocks of those who tell of events may differ from the database's by so much. */
const clocksDiffer = "interval '1 minute'";

/** How far an app's log goes. */
export interface LogEnds {
  /** Its last place. */
  last: number;
  /** What was at places up to this one is kept no more; 0 where nothing is missing after the place that was asked about. */
  gone: number;
}

/** @param after a place: what is missing before it is not looked for. */
export async function readEnds(sql: Sql, appId: AppId, after: number): Promise<LogEnds> {
  const { rows } = await sql.query<LogEnds>(
    `SELECT coalesce((SELECT last FROM app_positions WHERE app_id = $1), 0)::float8 AS last,
            coalesce((SELECT least(position, coalesce((SELECT min(position) - 1 FROM messages WHERE app_id = $1), position))
                      FROM gone_positions WHERE app_id = $1 AND position > $2::float8), 0)::float8 AS gone`,
    [appId, after],
  );
  return rows[0] as LogEnds;
}

/** A stretch of an app's log, wanted or not. */
export interface LogPage {
  messages: PlacedMessage[];
  upTo: number;
  isAll: boolean;
}

/**
 * Reads an app's log on from a place, and makes sure that nothing before it was dropped unread.
 * @throws ProblemError `position_expired`.
 */
export async function readOn(sql: Sql, appId: AppId, after: number, limit: number): Promise<LogPage> {
  const page = await readFrom(sql, appId, after, limit);
  // Where the next place follows at once, nothing can be missing; else it is asked after the reading, so that no drop comes between.
  if (page.messages[0]?.position !== after + 1) requireKept(appId, after, await readEnds(sql, appId, after));
  return page;
}

/** @throws ProblemError `position_expired` where something after a place was dropped. */
function requireKept(appId: AppId, after: number, { gone }: LogEnds): void {
  if (gone <= after) return;
  const skipped = gone - after;
  throw new ProblemError(
    'position_expired',
    `${skipped} places after this one are kept no more: go on at the oldest, and know that they are missing`,
    {
      passedOver: { skipped, oldest: writeCursor({ appId, position: gone }) },
    },
  );
}

/** What finds places for readers who come. */
export interface Finding {
  sql: Sql;
  /** For how many days messages are kept. */
  keepDays: number;
  /** Which field of the request says it, for the refusal. */
  field: string;
}

/**
 * @param point `start`, `end`, a cursor, the position of a message, or a moment.
 * @returns the place after which to read.
 * @throws ProblemError `position_expired`; `invalid_request` for what is no cursor of this app's log.
 */
export async function placeOf(appId: AppId, point: string, finding: Finding): Promise<number> {
  const { sql } = finding;
  if (point.includes(':')) return placeSince(appId, new Date(point), finding);
  const { last, gone } = await readEnds(sql, appId, 0);
  if (point === 'end') return last;
  if (point === 'start') return gone;
  const cursor = positionAsTold.test(point) ? { appId, position: Number(point) } : readCursor(point);
  const fault = cursor
    ? faultOf(cursor.appId === appId, cursor.position <= last)
    : 'use the cursor of an event, or the next of a page, as it was told';
  if (!cursor || fault) throw refused(finding.field, fault ?? '');
  requireKept(appId, cursor.position, { last, gone });
  return cursor.position;
}

function faultOf(isOfApp: boolean, isThere: boolean): string | undefined {
  if (!isOfApp) return 'is the cursor of another app';
  return isThere
    ? undefined
    : 'is beyond the end of the events: this place was told by another installation, or before a backup was restored';
}

function refused(field: string, message: string): ProblemError {
  return new ProblemError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
}

/**
 * All that occurred since then comes after the place. Up to where the log went at some moments is on record, and from there on the
 * first message of that time is looked for.
 */
async function placeSince(appId: AppId, since: Date, { sql, keepDays }: Finding): Promise<number> {
  const { rows } = await sql.query<{ now: number; before: number; last: number }>(
    `SELECT (extract(epoch FROM now()) * 1000)::float8 AS now,
            coalesce((SELECT last FROM position_times WHERE app_id = $1 AND at <= $2::timestamptz - ${clocksDiffer} ORDER BY at DESC LIMIT 1), 0)::float8 AS before,
            coalesce((SELECT last FROM app_positions WHERE app_id = $1), 0)::float8 AS last`,
    [appId, since],
  );
  const { now, before, last } = rows[0] as { now: number; before: number; last: number };
  const { gone } = await readEnds(sql, appId, before);
  const oldestDay = Math.floor((now - keepDays * dayMs) / dayMs) * dayMs;
  if (since.getTime() < oldestDay) requireKept(appId, before, { last, gone });
  const found = await sql.query<{ position: number | null }>('SELECT first_since($1, $2, $3) AS position', [
    appId,
    Math.max(before, gone),
    since,
  ]);
  const first = found.rows[0]?.position ?? null;
  return first === null ? last : first - 1;
}

/** Notes what goes with a partition of messages, before it is dropped. */
export async function noteGone(tx: Sql, partition: string): Promise<void> {
  await tx.query(
    `INSERT INTO gone_positions AS mine (app_id, position)
     SELECT app_id, gone.position FROM app_positions, LATERAL (
       SELECT max(position) AS position FROM ${partition} WHERE ${partition}.app_id = app_positions.app_id) AS gone
     WHERE gone.position IS NOT NULL
     ON CONFLICT (app_id) DO UPDATE SET position = excluded.position WHERE mine.position < excluded.position`,
  );
}

/** Notes up to where the logs of apps go now, of those that went on since a few minutes ago. */
export async function notePlaces(database: Pick<Database, 'query'>): Promise<void> {
  await database.query(
    `INSERT INTO position_times (app_id, at, last)
     SELECT app_positions.app_id, now(), app_positions.last FROM app_positions LEFT JOIN LATERAL (
       SELECT at, last FROM position_times WHERE position_times.app_id = app_positions.app_id ORDER BY at DESC LIMIT 1) AS newest ON true
     WHERE newest.last IS NULL OR (newest.last < app_positions.last AND newest.at < now() - interval '5 minutes')
     ON CONFLICT DO NOTHING`,
  );
}
