import type { Database, Sql } from '../database.js';
import { type OutboxEntry, writeOutbox } from './outbox.js';

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

/** Rows placed in one transaction at most. */
const placedAtOnce = 1000;

/**
 * Gives partitions to rows that were written before they could be known, or by an earlier release, in their order.
 * @returns whether there may be more.
 */
export async function placeRows(database: Database, topics: readonly string[]): Promise<boolean> {
  return database.transaction(async (tx) => {
    const { rows } = await tx.query<OutboxEntry & { done: boolean }>(
      `DELETE FROM outbox WHERE id IN (
         SELECT id FROM outbox WHERE partition = -1 AND topic = ANY($1) ORDER BY id LIMIT ${placedAtOnce} FOR UPDATE SKIP LOCKED
       ) RETURNING id, topic, key, event, published_at IS NOT NULL AS done`,
      [topics],
    );
    const waiting = (rows as (OutboxEntry & { id: string; done: boolean })[])
      .filter(({ done }) => !done)
      .sort((one, other) => Number(BigInt(one.id) - BigInt(other.id)));
    await writeOutbox(tx, waiting);
    return rows.length === placedAtOnce;
  });
}
