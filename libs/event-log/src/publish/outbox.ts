import type { AnyEvent, Topic } from '@communication-center/contracts';
import type { Sql } from '../database.js';

/** How many independent lanes the outbox has; a key always takes the same one. */
export const outboxShards = 8;

/** The tables this library needs in a service's schema: run by that service's first migration. */
export const eventLogTables = [
  `CREATE TABLE outbox (
     id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     shard smallint NOT NULL,
     topic text NOT NULL,
     key text NOT NULL,
     event json,
     created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     published_at timestamptz
   )`,
  'CREATE INDEX outbox_unpublished ON outbox (shard, id) WHERE published_at IS NULL',
  'CREATE INDEX outbox_published ON outbox (published_at) WHERE published_at IS NOT NULL',
  `CREATE TABLE parked_keys (
     consumer_group text NOT NULL,
     topic text NOT NULL,
     key text NOT NULL,
     reason text NOT NULL,
     dead_offset bigint NOT NULL,
     parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     PRIMARY KEY (consumer_group, topic, key)
   )`,
];

/** @returns the lane of a key: FNV-1a, so that it is the same in every process and version. */
export function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % outboxShards;
}

export interface OutboxEntry {
  topic: Topic;
  key: string;
  /** null erases the key from a compacted topic. */
  event: AnyEvent | null;
}

/**
 * Writes events into the outbox, inside the transaction that makes them true.
 * @returns the shards to wake with {@link OutboxRelay.committed} once the transaction has committed.
 */
export async function writeOutbox(tx: Sql, entries: readonly OutboxEntry[]): Promise<number[]> {
  if (entries.length === 0) return [];
  const shards = entries.map(({ key }) => shardOf(key));
  await tx.query(
    `INSERT INTO outbox (shard, topic, key, event)
     SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::json[])`,
    [
      shards,
      entries.map(({ topic }) => topic),
      entries.map(({ key }) => key),
      entries.map(({ event }) => (event ? JSON.stringify(event) : null)),
    ],
  );
  return [...new Set(shards)];
}

/** @returns the age in milliseconds of the oldest event that is not in the log yet; 0 when all are. */
export async function oldestUnpublishedAge(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ age: number }>(
    `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - first.created_at) * 1000), 0)::float8 AS age
     FROM generate_series(0, ${outboxShards - 1}) AS lane,
     LATERAL (SELECT created_at FROM outbox WHERE shard = lane AND published_at IS NULL ORDER BY id LIMIT 1) AS first`,
  );
  return rows[0]?.age ?? 0;
}
