import type { AppId, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { bucketCount } from '../domain/buckets.js';
import type { StreamPlace } from '../domain/stream-place.js';

/** Changes of a bucket that are read at once. */
const perBucket = 100;

interface ReadChange {
  bucket: number;
  position: number;
  userAlias: UserAlias;
  /** The presence as it was published, in JSON. */
  said: string;
}

export interface ReadChanges {
  /** In order within each bucket. */
  changes: readonly ReadChange[];
  /** Whether there may be more. */
  isMore: boolean;
}

/** @returns the next changes of an app after a place. */
export async function readChanges(sql: Sql, appId: AppId, after: StreamPlace): Promise<ReadChanges> {
  const { rows } = await sql.query<{ bucket: number; position: string; user_alias: UserAlias; said: string }>(
    `SELECT next.bucket, next.position, next.user_alias, next.presence::text AS said
     FROM unnest($2::bigint[]) WITH ORDINALITY AS place(position, number), LATERAL (
       SELECT bucket, position, user_alias, presence FROM bucket_changes
       WHERE app_id = $1 AND bucket = place.number - 1 AND position > place.position ORDER BY position LIMIT ${perBucket}
     ) AS next ORDER BY next.bucket, next.position`,
    [appId, after],
  );
  const changes = rows.map(({ bucket, position, user_alias, said }) => ({
    bucket,
    position: Number(position),
    userAlias: user_alias,
    said,
  }));
  const isMore = [...Map.groupBy(changes, ({ bucket }) => bucket).values()].some(({ length }) => length === perBucket);
  return { changes, isMore };
}

/** @returns where an app's changes end now, and up to where they are forgotten already. */
export async function readBounds(sql: Sql, appId: AppId): Promise<{ end: StreamPlace; forgotten: StreamPlace }> {
  const { rows } = await sql.query<{ bucket: number; last: string; first: string | null }>(
    `SELECT bucket, position AS last, (
       SELECT position FROM bucket_changes AS c WHERE c.app_id = p.app_id AND c.bucket = p.bucket ORDER BY c.position LIMIT 1) AS first
     FROM bucket_positions AS p WHERE app_id = $1`,
    [appId],
  );
  const end = new Array<number>(bucketCount).fill(0);
  const forgotten = [...end];
  for (const { bucket, last, first } of rows) {
    end[bucket] = Number(last);
    forgotten[bucket] = first === null ? Number(last) : Number(first) - 1;
  }
  return { end, forgotten };
}

/** Whether everything after a place can still be told. */
export function isKept(place: StreamPlace, { end, forgotten }: { end: StreamPlace; forgotten: StreamPlace }): boolean {
  return place.every((position, bucket) => position >= (forgotten[bucket] ?? 0) && position <= (end[bucket] ?? 0));
}
