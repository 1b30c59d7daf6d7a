import type { AppId } from '@communication-center/contracts';
import { type JobBody, type JobView, mostJobs } from '@communication-center/contracts/webhook-messages';
import type { Database, Sql } from '@communication-center/event-log';
import { LeasedRows, ProblemError } from '@communication-center/service';
import type { Message } from '../domain/message.js';
import { laneOf } from '../messages/lane-of.js';

/** Up to where a job has looked. */
export interface JobCursor {
  /** A time to the microsecond, or none of a replay from a position. */
  moment: string | null;
  /** The place in the log, or the id, of the last one that was looked at. */
  key: string;
}

/** A job as whoever works on it needs it. */
export interface Job {
  jobId: string;
  appId: AppId;
  endpointId: string;
  wish: JobBody;
  /** Up to where the log of its app went when it was made. */
  last: number;
  /** To the microsecond. */
  createdAt: string;
  cursor: JobCursor | null;
  /** Whether there is nothing more to be looked at. */
  isRead: boolean;
  /** How often it went on: who goes on from another step than this has been overtaken. */
  step: number;
}

interface JobRow extends Job {
  state: JobView['state'];
  reason: string | null;
  looked: number;
  queued: number;
  waiting: number;
  failed: number;
  endedAt: Date | null;
}

const columns = `job_id AS "jobId", app_id AS "appId", endpoint_id AS "endpointId", wish, last::float8, state, reason, step, cursor, is_read AS "isRead",
  looked::float8, queued::float8, waiting::float8, failed::float8, ended_at AS "endedAt",
  to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "createdAt"`;

/** @throws ProblemError as {@link makeJob} would now: what would be refused is not put on record. */
export async function requireRoomForJob(sql: Sql, appId: AppId, endpointId: string): Promise<void> {
  await requireRoom(sql, appId);
  const { rowCount } = await sql.query('SELECT FROM endpoints WHERE app_id = $1 AND endpoint_id = $2 AND deleted_at IS NULL', [
    appId,
    endpointId,
  ]);
  if (rowCount !== 1) throw new ProblemError('not_found', 'No such endpoint');
}

async function requireRoom(sql: Sql, appId: AppId): Promise<void> {
  const { rowCount } = await sql.query('SELECT FROM webhook_jobs WHERE app_id = $1 AND state = $2 LIMIT $3', [appId, 'running', mostJobs]);
  if ((rowCount ?? 0) < mostJobs) return;
  throw new ProblemError('conflict', `This app has as many jobs running as it may: ${mostJobs}. Cancel one, or wait until it is done`);
}

/**
 * Makes a job of an endpoint, which any replica takes up at once.
 * @throws ProblemError `conflict` where the app has as many running as it may; `not_found` where the endpoint is none of its.
 */
export async function makeJob(
  database: Database,
  appId: AppId,
  made: { jobId: string; endpointId: string; wish: JobBody },
): Promise<JobView> {
  return database.transaction(async (tx) => {
    await tx.query("SELECT pg_advisory_xact_lock(hashtextextended('webhook jobs of ' || $1, 0))", [appId]);
    await requireRoom(tx, appId);
    const { rows } = await tx.query<JobRow>(
      `INSERT INTO webhook_jobs (job_id, app_id, endpoint_id, wish, last)
       SELECT $1, app_id, endpoint_id, $4::json, coalesce((SELECT last FROM app_positions WHERE app_id = $2), 0)
       FROM endpoints WHERE app_id = $2 AND endpoint_id = $3 AND deleted_at IS NULL RETURNING ${columns}`,
      [made.jobId, appId, made.endpointId, JSON.stringify(made.wish)],
    );
    if (!rows[0]) throw new ProblemError('not_found', 'No such endpoint');
    return viewOf(rows[0]);
  });
}

const mostListed = 100;

/** The newest jobs of an app. */
export async function listJobs(sql: Sql, appId: AppId): Promise<JobView[]> {
  const { rows } = await sql.query<JobRow>(
    `SELECT ${columns} FROM webhook_jobs WHERE app_id = $1 ORDER BY created_at DESC LIMIT ${mostListed}`,
    [appId],
  );
  return rows.map(viewOf);
}

/** @throws ProblemError `not_found`. */
export async function readJob(sql: Sql, appId: AppId, jobId: string): Promise<JobView> {
  const { rows } = await sql.query<JobRow>(`SELECT ${columns} FROM webhook_jobs WHERE job_id = $2 AND app_id = $1`, [appId, jobId]);
  if (!rows[0]) throw new ProblemError('not_found', 'No such job');
  return viewOf(rows[0]);
}

/**
 * Ends a job: what it handed over and is not under way is taken back. What was given up before stays so, and can be recovered.
 * One that has ended stays as it is.
 */
export async function cancelJob(database: Database, jobId: string, reason: string | null): Promise<void> {
  await database.transaction(async (tx) => {
    const { rowCount } = await tx.query(
      `UPDATE webhook_jobs SET state = 'cancelled', reason = $2, ended_at = clock_timestamp() WHERE job_id = $1 AND state = 'running'`,
      [jobId, reason],
    );
    if (rowCount === 0) return;
    const gone = await tx.query("DELETE FROM undelivered WHERE job_id = $1 AND state = 'waiting' AND failed_at IS NULL", [jobId]);
    const back = await tx.query(
      "UPDATE undelivered SET state = 'failed', next_attempt_at = NULL, job_id = NULL WHERE job_id = $1 AND state = 'waiting'",
      [jobId],
    );
    const taken = (gone.rowCount ?? 0) + (back.rowCount ?? 0);
    await tx.query('UPDATE webhook_jobs SET waiting = 0, queued = queued - $2 WHERE job_id = $1', [jobId, taken]);
  });
}

/** A step of a job is short, and its end says that it is over: so nobody renews, and `step` tells who was overtaken. */
const running = new LeasedRows({ table: 'webhook_jobs', id: 'job_id', due: 'next_at', only: "state = 'running'" });

/** Takes up the job that has waited longest, if one is due. Others leave it alone for so many seconds, or until it has gone on. */
export async function takeUpJob(sql: Sql, leaseSeconds: number): Promise<Job | undefined> {
  const [job] = await running.claim<Job>(sql, 1, leaseSeconds, `SELECT ${columns} FROM mine`);
  return job;
}

/** @returns in how many milliseconds the next job is due; null where none runs. */
export const nextJobIn = (sql: Sql): Promise<number | null> => running.nextIn(sql);

/** More than these are not counted. */
const mostCounted = 100_000;

/** How many of those that a job handed over wait, and how many were given up again. */
export async function standingOf(sql: Sql, jobId: string): Promise<{ waiting: number; failed: number }> {
  const of = (state: string) =>
    `(SELECT count(*)::int FROM (SELECT FROM undelivered WHERE job_id = $1 AND state = ${state} LIMIT ${mostCounted}) AS one)`;
  const { rows } = await sql.query<{ waiting: number; failed: number }>(
    `SELECT ${of("'waiting'")} AS waiting, ${of("'failed'")} AS failed`,
    [jobId],
  );
  return rows[0] as { waiting: number; failed: number };
}

/** How a job goes on. */
interface JobStep {
  cursor: JobCursor | null;
  isRead: boolean;
  isDone: boolean;
  looked: number;
  /** What the endpoint is handed again, in its order, with how many attempts there were. */
  handed: readonly { message: Message; earlier: number }[];
  waiting: number;
  failed: number;
  /** When anybody may take it up again. */
  nextInMs: number;
}

/**
 * Has a job go on, in one commit: what is handed over is there, and it is known that it was, or neither. What waits for the endpoint
 * already is left as it is. @returns whether it did: not where it was cancelled, or somebody else went on with it.
 */
export async function goOn(sql: Sql, { jobId, appId, endpointId, step }: Job, on: JobStep): Promise<boolean> {
  const handed = on.handed.map(({ message, earlier }) => ({
    message,
    earlier,
    messageId: message.messageId,
    subject: message.subject,
    position: message.position,
  }));
  const { rows } = await sql.query<{ put: number }>(
    `WITH job AS (
       UPDATE webhook_jobs SET step = step + 1, cursor = $3::json, is_read = $4, looked = looked + $5,
              queued = queued + json_array_length($6::json), waiting = $7::int + json_array_length($6::json), failed = $8,
              next_at = clock_timestamp() + make_interval(secs => $9::float8 / 1000),
              state = CASE WHEN $10 THEN 'done' ELSE state END, ended_at = CASE WHEN $10 THEN clock_timestamp() END
       WHERE job_id = $1 AND step = $2 AND state = 'running' RETURNING job_id),
     put AS (
       INSERT INTO undelivered AS mine (endpoint_id, message_id, app_id, lane, position, subject, message, state, made, next_attempt_at, job_id, earlier)
       SELECT $11::uuid, one."messageId", $12, $13, one.position, one.subject, one.message, 'waiting', 0,
              clock_timestamp() + one.turn * interval '1 microsecond', job.job_id, one.earlier
       FROM job, ROWS FROM (json_to_recordset($6::json) AS ("messageId" uuid, position bigint, subject text, message json, earlier int))
         WITH ORDINALITY AS one("messageId", position, subject, message, earlier, turn)
       ON CONFLICT (endpoint_id, message_id) DO UPDATE
         SET state = 'waiting', made = 0, next_attempt_at = excluded.next_attempt_at, job_id = excluded.job_id, earlier = excluded.earlier
         WHERE mine.state = 'failed' RETURNING 1)
     SELECT 1 AS put FROM job`,
    [
      jobId,
      step,
      on.cursor && JSON.stringify(on.cursor),
      on.isRead,
      on.looked,
      JSON.stringify(handed),
      on.waiting,
      on.failed,
      on.nextInMs,
      on.isDone,
      endpointId,
      appId,
      laneOf(appId),
    ],
  );
  return rows.length === 1;
}

/** Hands an endpoint one message again. What waits for it already is tried now. */
export async function handOver(sql: Sql, endpointId: string, message: Message): Promise<void> {
  await sql.query(
    `INSERT INTO undelivered AS mine (endpoint_id, message_id, app_id, lane, position, subject, message, state, made, next_attempt_at, earlier)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', 0, clock_timestamp(),
       coalesce((SELECT max(attempt) FROM delivery_attempts WHERE message_id = $2 AND endpoint_id = $1), 0))
     ON CONFLICT (endpoint_id, message_id) DO UPDATE
       SET state = 'waiting', made = 0, next_attempt_at = excluded.next_attempt_at, earlier = excluded.earlier WHERE mine.state <> 'held'`,
    [endpointId, message.messageId, message.appId, laneOf(message.appId), message.position, message.subject, JSON.stringify(message)],
  );
}

function viewOf(row: JobRow): JobView {
  const { jobId, endpointId, wish, state, reason, looked, queued, waiting, failed, cursor } = row;
  return {
    jobId,
    endpointId,
    kind: wish.kind,
    since: wish.since ?? null,
    until: wish.until ?? null,
    position: wish.position ?? null,
    subject: wish.subject ?? null,
    state,
    reason,
    createdAt: new Date(row.createdAt).toISOString(),
    endedAt: row.endedAt?.toISOString() ?? null,
    looked,
    queued,
    waiting,
    failed,
    delivered: Math.max(0, queued - waiting - failed),
    reached: cursor?.moment ?? null,
  };
}
