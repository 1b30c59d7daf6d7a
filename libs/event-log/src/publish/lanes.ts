import type { AnyEvent } from '@communication-center/contracts';
import type { Sql } from '../database.js';

/** One partition of one topic: what is in order, and has at most one send in flight. */
export interface Lane {
  topic: string;
  partition: number;
}

/** Names a lane in maps and messages. */
export const laneName = ({ topic, partition }: Lane): string => `${topic}/${partition}`;

export interface OutboxRow extends Lane {
  /** bigint, as PostgreSQL's client gives it. */
  id: string;
  key: string;
  event: AnyEvent | null;
}

export interface SentRow extends OutboxRow {
  offset: bigint;
}

/**
 * In SQL: the lanes that hold rows, found by one step of the index for each, however many rows a lane has. Ends with a row of
 * nulls.
 */
export const occupiedLanes = `WITH RECURSIVE lane AS (
  (SELECT topic, partition FROM outbox ORDER BY topic, partition LIMIT 1)
  UNION ALL
  SELECT next.topic, next.partition FROM lane, LATERAL (
    SELECT topic, partition FROM outbox WHERE (topic, partition) > (lane.topic, lane.partition) ORDER BY topic, partition LIMIT 1
  ) AS next
)`;

/** @returns the lanes that hold rows now. */
export async function findLanes(sql: Sql): Promise<Lane[]> {
  const { rows } = await sql.query<Lane>(`${occupiedLanes} SELECT topic, partition FROM lane`);
  return rows;
}

export interface ReadLimits {
  rowsPerLane: number;
  /** Of the events' JSON; a lane's first row is read however large it is. */
  bytesPerLane: number;
  /** For each lane, the id below which nothing waits. */
  floors: readonly string[];
}

/**
 * A topic that has rows without a partition is left alone until they are placed: they may come before others of their keys.
 * @returns the first rows of each lane, in the order of their lanes and ids, and whether a lane may have more.
 */
export async function readLanes(
  sql: Sql,
  lanes: readonly Lane[],
  { rowsPerLane, bytesPerLane, floors }: ReadLimits,
): Promise<{ rows: OutboxRow[]; mayHaveMore: boolean }> {
  const { rows } = await sql.query<OutboxRow & { upTo: number }>('SELECT * FROM read_lanes($1, $2, $3, $4, $5)', [
    lanes.map(({ topic }) => topic),
    lanes.map(({ partition }) => partition),
    floors,
    rowsPerLane,
    bytesPerLane,
  ]);
  const perLane = [...Map.groupBy(rows, laneName).values()];
  return { rows, mayHaveMore: perLane.some((lane) => lane.length >= rowsPerLane || (lane.at(-1)?.upTo ?? 0) >= bytesPerLane) };
}

/** What identifies a message in the log: the id of its event; a tombstone's is made of its row. */
export function messageId({ id, event }: Pick<OutboxRow, 'id' | 'event'>): string {
  return event ? event.id : `tombstone-${id}`;
}

/**
 * Moves rows that the brokers have acknowledged out of the way of those that wait.
 * @param keepsEvents of topics whose events no other table keeps.
 */
export async function moveToSent(sql: Sql, sent: readonly SentRow[], keepsEvents: (topic: string) => boolean): Promise<void> {
  await sql.query('SELECT move_to_sent($1, $2, $3, $4, $5)', [
    sent.map(({ id }) => id),
    sent.map(({ offset }) => String(offset)),
    sent.map(({ event }) => event?.id ?? null),
    sent.map(({ event }) => event?.sequence ?? null),
    sent.map(({ topic }) => keepsEvents(topic)),
  ]);
}

/** Takes a row that no broker will ever take out of the way of those behind it. */
export async function setAside(sql: Sql, row: OutboxRow, reason: string): Promise<void> {
  await sql.query(
    `WITH gone AS (DELETE FROM outbox WHERE id = $1 RETURNING id, topic, partition, key, event)
     INSERT INTO unsendable (id, topic, partition, key, event, reason) SELECT gone.*, $2 FROM gone`,
    [row.id, reason],
  );
}
