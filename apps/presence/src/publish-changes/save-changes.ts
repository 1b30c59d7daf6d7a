import type { AppId, Presence, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { bucketOf } from '../domain/buckets.js';
import type { Person } from './read-known.js';

export interface Change extends Person {
  /** When it was seen, by the database's clock. */
  at: Date;
  presence: Presence;
}

/** What was said of a person last. */
export interface LastSaid {
  version: number;
  published: Presence | null;
}

export const nameOf = ({ appId, userAlias }: Person) => `${appId}/${userAlias}`;

/** Locks people's rows, making those that are missing. @returns what was said last, by {@link nameOf}. */
export async function lockPeople(tx: Sql, people: readonly Person[]): Promise<Map<string, LastSaid>> {
  const { rows } = await tx.query<{ app_id: AppId; user_alias: UserAlias; version: string; published: Presence | null }>(
    `INSERT INTO people (app_id, user_alias, version)
     SELECT app_id, user_alias, 0 FROM unnest($1::text[], $2::text[]) AS p(app_id, user_alias) ORDER BY 1, 2
     ON CONFLICT (app_id, user_alias) DO UPDATE SET version = people.version
     RETURNING app_id, user_alias, version, published`,
    [people.map(({ appId }) => appId), people.map(({ userAlias }) => userAlias)],
  );
  return new Map(
    rows.map((row) => [
      nameOf({ appId: row.app_id, userAlias: row.user_alias }),
      { version: Number(row.version), published: row.published },
    ]),
  );
}

/** Saves what is said of people now. @param erased nothing any more: only their version is kept, so that it never goes back. */
export async function savePeople(tx: Sql, changes: readonly Change[], erased: readonly Person[]): Promise<void> {
  const gone = new Set(erased.map(nameOf));
  const all = [...changes.filter((change) => !gone.has(nameOf(change))), ...erased.map((person) => ({ ...person, presence: null }))];
  if (all.length === 0) return;
  await tx.query(
    `UPDATE people SET version = coalesce((said.presence->>'version')::bigint, people.version + 1), published = said.presence,
            status = said.presence->>'status'
     FROM unnest($1::text[], $2::text[], $3::jsonb[]) AS said(app_id, user_alias, presence)
     WHERE people.app_id = said.app_id AND people.user_alias = said.user_alias`,
    [
      all.map(({ appId }) => appId),
      all.map(({ userAlias }) => userAlias),
      all.map(({ presence }) => (presence ? JSON.stringify(presence) : null)),
    ],
  );
}

/**
 * Gives changes their places in the orders of their buckets, and forgets what a bucket has too many of. A bucket's row is locked
 * until the commit, so no place is ever taken late; batches of other buckets do not wait.
 * @param kept changes a bucket keeps at most.
 */
export async function savePlaces(tx: Sql, changes: readonly Change[], kept: number): Promise<void> {
  if (changes.length === 0) return;
  await tx.query(
    `WITH change AS MATERIALIZED (
       SELECT *, row_number() OVER bucket AS place, count(*) OVER (PARTITION BY app_id, bucket) AS places
       FROM unnest($1::text[], $2::smallint[], $3::text[], $4::json[]) WITH ORDINALITY AS told(app_id, bucket, user_alias, presence, number)
       WINDOW bucket AS (PARTITION BY app_id, bucket ORDER BY number)
     ), moved AS (
       INSERT INTO bucket_positions (app_id, bucket, position)
       SELECT app_id, bucket, count(*) FROM change GROUP BY app_id, bucket ORDER BY app_id COLLATE "C", bucket
       ON CONFLICT (app_id, bucket) DO UPDATE SET position = bucket_positions.position + excluded.position
       RETURNING app_id, bucket, position
     ), told AS (
       INSERT INTO bucket_changes (app_id, bucket, position, user_alias, presence)
       SELECT change.app_id, change.bucket, moved.position - change.places + change.place, user_alias, presence
       FROM change JOIN moved ON moved.app_id = change.app_id AND moved.bucket = change.bucket
     )
     DELETE FROM bucket_changes AS spare USING moved
     WHERE spare.app_id = moved.app_id AND spare.bucket = moved.bucket AND spare.position <= moved.position - $5`,
    [
      changes.map(({ appId }) => appId),
      changes.map(({ userAlias }) => bucketOf(userAlias)),
      changes.map(({ userAlias }) => userAlias),
      changes.map(({ presence }) => JSON.stringify(presence)),
      kept,
    ],
  );
}
