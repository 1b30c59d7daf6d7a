import type { Sql } from '../database.js';
import { keyHash } from './key-partition.js';

/**
 * Remembers how many partitions topics have, once for good: what was remembered before stays.
 * @returns topics that have another count by now than the one remembered.
 */
export async function rememberCounts(sql: Sql, counts: ReadonlyMap<string, number>): Promise<string[]> {
  const { rows } = await sql.query<{ topic: string; partitions: number }>(
    `WITH told AS (SELECT * FROM unnest($1::text[], $2::int[]) AS told(topic, partitions)), new AS (
       INSERT INTO topic_partitions (topic, partitions) SELECT topic, partitions FROM told ON CONFLICT (topic) DO NOTHING
     )
     SELECT topic, told.partitions FROM told JOIN topic_partitions AS known USING (topic) WHERE known.partitions <> told.partitions`,
    [[...counts.keys()], [...counts.values()]],
  );
  return rows.map(({ topic }) => topic);
}

/** Rows placed by one statement at most. */
const placedAtOnce = 1000;

/**
 * Gives partitions to rows that were written before they could be known, or by an earlier release. They keep their ids, and so
 * their place before whatever was written to the same keys later. What an earlier release has published goes.
 * @returns whether there may be more.
 */
export async function placeRows(sql: Sql, counts: ReadonlyMap<string, number>): Promise<boolean> {
  await sql.query('DELETE FROM outbox WHERE partition = -1 AND topic = ANY($1) AND published_at IS NOT NULL', [[...counts.keys()]]);
  const { rows } = await sql.query<{ id: string; topic: string; key: string }>(
    `SELECT id, topic, key FROM outbox WHERE partition = -1 AND topic = ANY($1) ORDER BY id LIMIT ${placedAtOnce}`,
    [[...counts.keys()]],
  );
  await sql.query(
    `UPDATE outbox SET partition = placed.hash % counted.partitions
     FROM unnest($1::bigint[], $2::int[]) AS placed(id, hash), topic_partitions AS counted
     WHERE outbox.id = placed.id AND outbox.partition = -1 AND counted.topic = outbox.topic`,
    [rows.map(({ id }) => id), rows.map(({ key }) => keyHash(key))],
  );
  return rows.length === placedAtOnce;
}
