import type { AnyEvent } from '@communication-center/contracts';
import type { Sql } from '../database.js';

/** One partition of one topic: what is in order, and has at most one send in flight. */
export interface Lane {
  topic: string;
  partition: number;
}

/** Names a lane in maps and messages. */
export const laneName = ({ topic, partition }: Lane): string => `${topic}/${partition}`;

/** @returns the lane of a name; undefined for what is none. */
export function laneNamed(name: string): Lane | undefined {
  const [, topic, partition] = /^(.+)\/(-?\d+)$/.exec(name) ?? [];
  return topic === undefined ? undefined : { topic, partition: Number(partition) };
}

export interface OutboxRow extends Lane {
  /** bigint, as PostgreSQL's client gives it. */
  id: string;
  key: string;
  event: AnyEvent | null;
}

/** A row as its writer knows it. */
export interface WrittenRow extends OutboxRow {
  /** Of the event's JSON. */
  bytes: number;
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

/** What one read of lanes found. */
export interface LanesRead {
  /** The first rows of each lane, in the order of their lanes and ids. */
  rows: OutboxRow[];
  /** Lanes that may have more. */
  unfinished: Lane[];
}

/**
 * Marks what was sent, and reads. A topic that has rows without a partition is left alone until they are placed: they may come
 * before others of their keys.
 */
export async function readLanes(sql: Sql, lanes: readonly Lane[], limits: ReadLimits, sent: SentMarks = noMarks): Promise<LanesRead> {
  const { rowsPerLane, bytesPerLane, floors } = limits;
  const { rows } = await sql.query<OutboxRow & { upTo: number }>('SELECT * FROM mark_and_read($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', [
    ...sent,
    lanes.map(({ topic }) => topic),
    lanes.map(({ partition }) => partition),
    floors,
    rowsPerLane,
    bytesPerLane,
  ]);
  const perLane = [...Map.groupBy(rows, laneName).values()];
  const unfinished = perLane.filter((lane) => lane.length >= rowsPerLane || (lane.at(-1)?.upTo ?? 0) >= bytesPerLane);
  return { rows, unfinished: unfinished.map((lane) => lane[0] as OutboxRow) };
}

/** What identifies a message in the log: the id of its event; a tombstone's is made of its row. */
export function messageId({ id, event }: Pick<OutboxRow, 'id' | 'event'>): string {
  return event ? event.id : `tombstone-${id}`;
}

/** What is noted of rows that were sent, as columns: ids, offsets, ids of events, sequences, whether the event is kept. */
export type SentMarks = readonly [string[], string[], (string | null)[], (number | null)[], boolean[]];

const noMarks: SentMarks = [[], [], [], [], []];

/** @param keepsEvents of topics whose events no other table keeps. */
export function marksOf(sent: readonly SentRow[], keepsEvents: (topic: string) => boolean): SentMarks {
  return [
    sent.map(({ id }) => id),
    sent.map(({ offset }) => String(offset)),
    sent.map(({ event }) => event?.id ?? null),
    sent.map(({ event }) => event?.sequence ?? null),
    sent.map(({ topic }) => keepsEvents(topic)),
  ];
}

/** Moves rows that the brokers have acknowledged out of the way of those that wait. */
export async function moveToSent(sql: Sql, marks: SentMarks): Promise<void> {
  await sql.query('SELECT move_to_sent($1, $2, $3, $4, $5)', [...marks]);
}

/** Takes a row that no broker will ever take out of the way of those behind it. */
export async function setAside(sql: Sql, row: OutboxRow, reason: string): Promise<void> {
  await sql.query(
    `WITH gone AS (DELETE FROM outbox WHERE id = $1 RETURNING id, topic, partition, key, event)
     INSERT INTO unsendable (id, topic, partition, key, event, reason) SELECT gone.*, $2 FROM gone`,
    [row.id, reason],
  );
}
