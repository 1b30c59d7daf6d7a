import type { AnyEvent, Topic } from '@communication-center/contracts';
import type { Sql } from '../database.js';
import { keyHash } from './key-partition.js';
import { shardCount } from './lane-ownership.js';
import { occupiedLanes, type WrittenRow } from './lanes.js';

/** The first tables of this library in a service's schema: run by that service's first migration, `outboxTables` and `outboxFunctions` by later ones. */
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

export interface OutboxEntry {
  topic: Topic;
  key: string;
  /** null erases the key from a compacted topic. */
  event: AnyEvent | null;
}

/** What `put_into_outbox` answers of an entry. */
export interface OutboxPlace {
  /** bigint, as PostgreSQL's client gives it. */
  id: string;
  partition: number;
}

/**
 * @returns the parameters of `put_into_outbox`, for a function of a service's own that calls it, and what makes of its answers, in
 * their order, the rows to be told to {@link OutboxRelay.committed} once the transaction has committed.
 */
export function forOutbox(entries: readonly OutboxEntry[]): {
  columns: unknown[][];
  written: (places: readonly OutboxPlace[]) => WrittenRow[];
} {
  const events = entries.map(({ event }) => (event ? JSON.stringify(event) : null));
  const columns = [entries.map(({ topic }) => topic), entries.map(({ key }) => keyHash(key)), entries.map(({ key }) => key), events];
  const written = (places: readonly OutboxPlace[]) =>
    entries.map((entry, index) => ({ ...entry, ...placeOf(places[index]), bytes: Buffer.byteLength(events[index] ?? '') }));
  return { columns, written };
}

function placeOf(place: OutboxPlace | undefined): OutboxPlace {
  if (!place) throw new Error('The outbox told no place of an event');
  return { id: place.id, partition: place.partition };
}

/**
 * Writes events into the outbox, inside the transaction that makes them true. How many partitions a topic has is read in the
 * same statement, so that every writer, in whatever process, puts a key into the same one.
 * @returns the rows, in the order of their entries, to be told to {@link OutboxRelay.committed} once the transaction has committed.
 */
export async function writeOutbox(tx: Sql, entries: readonly OutboxEntry[]): Promise<WrittenRow[]> {
  if (entries.length === 0) return [];
  const { columns, written } = forOutbox(entries);
  const { rows } = await tx.query<OutboxPlace>('SELECT * FROM put_into_outbox($1, $2, $3, $4)', columns);
  return written(rows);
}

/**
 * @param shards whose events are looked at: all unless told.
 * @returns the age in milliseconds of the oldest event that is not in the log yet; 0 when all are.
 */
export async function oldestUnpublishedAge(sql: Sql, shards = everyShard): Promise<number> {
  const { rows } = await sql.query<{ age: number }>(
    `${occupiedLanes}
     SELECT coalesce(max(extract(epoch FROM clock_timestamp() - first.created_at) * 1000), 0)::float8 AS age
     FROM lane, LATERAL (
       SELECT created_at FROM outbox WHERE topic = lane.topic AND partition = lane.partition AND published_at IS NULL ORDER BY id LIMIT 1
     ) AS first WHERE lane.topic IS NOT NULL AND greatest(0, lane.partition) % ${shardCount} = ANY ($1)`,
    [[...shards]],
  );
  return rows[0]?.age ?? 0;
}

const everyShard: Iterable<number> = Array.from({ length: shardCount }, (_, shard) => shard);

/** More rows than this are not counted. */
const mostCounted = 100_000;

/** @returns how many events wait to be published; above 100,000 it says 100,000. */
export async function unpublishedRows(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ waiting: number }>(
    `SELECT count(*)::int AS waiting FROM (SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT ${mostCounted}) AS counted`,
  );
  return rows[0]?.waiting ?? 0;
}
