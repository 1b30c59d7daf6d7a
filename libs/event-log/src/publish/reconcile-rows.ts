import type { AnyEvent } from '@communication-center/contracts';
import type { Sql } from '../database.js';
import type { OutboxEntry } from './outbox.js';

/** A row that counts as published. */
export interface Published {
  id: string;
  topic: string;
  partition: number;
  offset: bigint;
  key: string;
  /** null for a tombstone. */
  eventId: string | null;
  sequence: number | null;
  /** As PostgreSQL writes it: JavaScript would round it. */
  sentAt: string;
}

/** What was published in a span of time: all of it, or the earliest. */
export interface PublishedSpan {
  rows: Published[];
  /** Up to when these are all. */
  until: string;
  isAll: boolean;
}

interface PublishedRow {
  id: string;
  topic: string;
  partition: number;
  log_offset: string;
  key: string;
  event_id: string | null;
  sequence: string | null;
  sent_at: string;
}

const toPublished = (row: PublishedRow): Published => ({
  id: row.id,
  topic: row.topic,
  partition: row.partition,
  offset: BigInt(row.log_offset),
  key: row.key,
  eventId: row.event_id,
  sequence: row.sequence === null ? null : Number(row.sequence),
  sentAt: row.sent_at,
});

const columns = 'id, topic, partition, log_offset, key, event_id, sequence, sent_at::text';

/** @returns until when all was compared: as a rule some seconds ago, and where nothing is on record, where `sent` begins. */
export async function comparedUntil(sql: Sql): Promise<string> {
  const { rows } = await sql.query<{ until: string }>(
    `SELECT coalesce(
       (SELECT until FROM reconciled_until),
       (SELECT sent_at - interval '1 second' FROM sent ORDER BY sent_at LIMIT 1),
       clock_timestamp() - interval '1 hour')::text AS until`,
  );
  return rows[0]?.until ?? '-infinity';
}

/** @returns what was published after one time and so long ago that its statement has ended; `limit` rows or less. */
export async function publishedSince(
  sql: Sql,
  { after, settleMs, limit }: { after: string; settleMs: number; limit: number },
): Promise<PublishedSpan> {
  const { rows } = await sql.query<PublishedRow & { settled: string }>(
    `SELECT ${columns}, settled::text
     FROM (SELECT clock_timestamp() - make_interval(secs => $2) AS settled) AS now
     LEFT JOIN LATERAL (
       SELECT * FROM sent WHERE sent_at > $1::timestamptz AND sent_at <= settled ORDER BY sent_at LIMIT $3
     ) AS row ON true`,
    [after, settleMs / 1000, limit],
  );
  const found = rows.filter(({ id }) => id !== null).map(toPublished);
  if (found.length < limit) return { rows: found, until: rows[0]?.settled ?? after, isAll: true };
  const last = found.at(-1)?.sentAt;
  const sure = found.filter(({ sentAt }) => sentAt !== last);
  return { rows: sure, until: sure.at(-1)?.sentAt ?? after, isAll: false };
}

/**
 * @returns of each key the last that was published, with its event; keys with something that waits, or of which nothing is on
 *   record, are left out.
 */
export async function lastOfKeys(
  sql: Sql,
  topic: string,
  keys: readonly string[],
): Promise<Map<string, Published & { event: AnyEvent | null }>> {
  const { rows } = await sql.query<PublishedRow & { event: AnyEvent | null }>(
    `SELECT ${columns}, event
     FROM unnest($2::text[]) AS asked, LATERAL (
       SELECT * FROM sent WHERE key = asked AND topic = $1 AND (event IS NOT NULL OR event_id IS NULL) ORDER BY id DESC LIMIT 1
     ) AS last
     WHERE NOT EXISTS (
       SELECT 1 FROM outbox WHERE topic = $1 AND partition IN (last.partition, -1) AND outbox.key = asked AND outbox.id > last.id)`,
    [topic, keys],
  );
  return new Map(rows.map((row) => [row.key, { ...toPublished(row), event: row.event }]));
}

/** @returns published rows as they were in the outbox, where their events were kept beside them. */
export async function asEntries(sql: Sql, published: readonly Published[]): Promise<OutboxEntry[]> {
  const { rows } = await sql.query<OutboxEntry>(
    `SELECT topic, key, event FROM sent
     WHERE sent_at = ANY($2::timestamptz[]) AND id = ANY($1::bigint[]) AND (event IS NOT NULL OR event_id IS NULL) ORDER BY id`,
    [published.map(({ id }) => id), [...new Set(published.map(({ sentAt }) => sentAt))]],
  );
  return rows;
}

/** @returns up to which offset each partition was compared, by topic and partition. */
export async function comparedThrough(sql: Sql): Promise<Map<string, bigint>> {
  const { rows } = await sql.query<{ topic: string; partition: number; next_offset: string }>('SELECT * FROM reconciled_through');
  return new Map(rows.map((row) => [`${row.topic}/${row.partition}`, BigInt(row.next_offset)]));
}

/** Notes how far everything was compared. */
export async function noteCompared(
  sql: Sql,
  until: string,
  through: readonly { topic: string; partition: number; to: bigint }[],
): Promise<void> {
  await sql.query(
    `WITH time AS (
       INSERT INTO reconciled_until (until) VALUES ($1::timestamptz) ON CONFLICT (one) DO UPDATE SET until = excluded.until
     )
     INSERT INTO reconciled_through (topic, partition, next_offset) SELECT * FROM unnest($2::text[], $3::int[], $4::bigint[])
     ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset`,
    [until, through.map(({ topic }) => topic), through.map(({ partition }) => partition), through.map(({ to }) => String(to))],
  );
}
