import type { KafkaMessage } from 'kafkajs';
import type { Database } from '../database.js';
import type { ParkedKeys } from './parked-keys.js';
import { keyOf, sequenceOf, storable, toParked } from './parked-message.js';

/** `fault`: the event itself is at fault. `newer`: a newer release wrote it; handled by itself once this one can read it. */
export type ParkedKind = 'fault' | 'newer';

export interface ParkedKey {
  consumerGroup: string;
  topic: string;
  key: string;
  kind: ParkedKind;
  reason: string;
  parkedAt: Date;
  /** Events that a redrive which is under way has left; null when none is. */
  redriving: number | null;
}

/** Why a key is parked. */
export interface ParkedFor {
  kind: ParkedKind;
  reason: string;
  /** What this release cannot read, where it is `newer`. */
  newer?: { type: string; dataversion: number };
}

/** How many keys {@link DeadLetters.list} names at most, the oldest first. */
const listed = 1000;
const mostCounted = 10_000;

/**
 * Keys whose events one consumer group cannot handle, and those events, in the service's own database.
 *
 * A key is parked by the one member that owns its partition and freed by a redrive anywhere. So "not parked" in that
 * member's memory is certain (see {@link ParkedKeys}), and "parked" is asked of the database again.
 */
export class DeadLetters {
  constructor(readonly database: Database) {}

  /** @returns which of some keys are parked. Costs by how many are asked, not by how many are parked. */
  async parkedAmong(group: string, topic: string, keys: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.database.query<{ key: string }>(
      'SELECT key FROM parked_keys WHERE consumer_group = $1 AND topic = $2 AND key = ANY($3)',
      [group, topic, keys],
    );
    return new Set(rows.map(({ key }) => key));
  }

  /** @returns what a group has parked, up to so many keys. */
  async parkedOf(group: string, most: number): Promise<{ topic: string; key: string }[]> {
    const { rows } = await this.database.query<{ topic: string; key: string }>(
      'SELECT topic, key FROM parked_keys WHERE consumer_group = $1 LIMIT $2',
      [group, most],
    );
    return rows;
  }

  /** @returns parked keys of this service, those that wait for longest first, and how many there are in all. */
  async list(): Promise<{ parked: ParkedKey[]; total: number }> {
    const { rows } = await this.database.query<ParkedKey>(
      `SELECT consumer_group AS "consumerGroup", topic, key, kind, reason, parked_at AS "parkedAt",
         CASE WHEN redriven_until > now() THEN (
           SELECT count(*)::int FROM parked_events AS e
           WHERE e.consumer_group = parked_keys.consumer_group AND e.topic = parked_keys.topic AND e.key = parked_keys.key
         ) END AS redriving
       FROM parked_keys ORDER BY parked_at LIMIT ${listed}`,
    );
    if (rows.length < listed) return { parked: rows, total: rows.length };
    const counted = await this.database.query<{ total: number }>('SELECT count(*)::int AS total FROM parked_keys');
    return { parked: rows, total: counted.rows[0]?.total ?? rows.length };
  }

  /** Parks a key with the message that could not be handled. */
  async park(group: string, topic: string, message: KafkaMessage, { kind, reason, newer }: ParkedFor): Promise<void> {
    const { key, offset, value, headers } = toParked(message);
    await this.database.query(
      `WITH parked AS (
         INSERT INTO parked_keys (consumer_group, topic, key, kind, reason, event_type, dataversion) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (consumer_group, topic, key) DO NOTHING
       )
       INSERT INTO parked_events (consumer_group, topic, key, source_offset, value, headers) VALUES ($1, $2, $3, $8, $9, $10)
       ON CONFLICT DO NOTHING`,
      [group, topic, key, kind, shortened(reason), newer?.type ?? null, newer?.dataversion ?? null, offset, value, JSON.stringify(headers)],
    );
  }

  /**
   * Puts later messages of parked keys behind them.
   * @returns the keys that are still parked: the messages of the others are to be handled.
   */
  async parkBehind(group: string, topic: string, messages: readonly KafkaMessage[]): Promise<Set<string>> {
    const parked = messages.map(toParked);
    // The share lock makes who frees a key wait, so that a message is behind it or finds it free. Never for long: a redrive
    // locks the key only to free it.
    const { rows } = await this.database.query<{ key: string }>(
      `WITH held AS MATERIALIZED (
         SELECT key FROM parked_keys WHERE consumer_group = $1 AND topic = $2 AND key = ANY($3) FOR SHARE
       ), put AS (
         INSERT INTO parked_events (consumer_group, topic, key, source_offset, value, headers)
         SELECT $1, $2, message.key, message.source_offset, message.value, message.headers
         FROM unnest($3::text[], $4::bigint[], $5::bytea[], $6::json[]) AS message(key, source_offset, value, headers) JOIN held USING (key)
         ON CONFLICT DO NOTHING
       )
       SELECT key FROM held`,
      [
        group,
        topic,
        parked.map(({ key }) => key),
        parked.map(({ offset }) => offset),
        parked.map(({ value }) => value),
        parked.map(({ headers }) => JSON.stringify(headers)),
      ],
    );
    return new Set(rows.map(({ key }) => key));
  }

  /**
   * Gives up a parked key's events for good, and frees the key: what comes next is handled.
   * @returns how many events were given up; undefined when the key is not parked.
   */
  async discard(group: string, topic: string, key: string): Promise<number | undefined> {
    const name = [group, topic, keyOf({ key: Buffer.from(key) })];
    return this.database.transaction(async (tx) => {
      const { rows } = await tx.query('SELECT 1 FROM parked_keys WHERE consumer_group = $1 AND topic = $2 AND key = $3 FOR UPDATE', name);
      if (rows.length === 0) return undefined;
      const gone = await tx.query<{ headers: Record<string, string> }>(
        'DELETE FROM parked_events WHERE consumer_group = $1 AND topic = $2 AND key = $3 RETURNING headers',
        name,
      );
      await tx.query(
        `INSERT INTO given_up (consumer_group, topic, key, sequence) VALUES ($1, $2, $3, $4)
         ON CONFLICT (consumer_group, topic, key) DO UPDATE SET sequence = greatest(given_up.sequence, excluded.sequence)`,
        [...name, Math.max(0, ...gone.rows.map(({ headers }) => sequenceOf(headers)))],
      );
      await tx.query('DELETE FROM parked_keys WHERE consumer_group = $1 AND topic = $2 AND key = $3', name);
      return gone.rows.length;
    });
  }

  /** @returns of which app a parked key's events are, as far as they say; undefined for a key that is not parked. */
  async ownerOf(group: string, topic: string, key: string): Promise<{ appId: string | null } | undefined> {
    const { rows } = await this.database.query<{ appId: string | null }>(
      `SELECT (SELECT headers ->> 'ce_appid' FROM parked_events AS e
               WHERE e.consumer_group = k.consumer_group AND e.topic = k.topic AND e.key = k.key ORDER BY source_offset LIMIT 1) AS "appId"
       FROM parked_keys AS k WHERE consumer_group = $1 AND topic = $2 AND key = $3`,
      [group, topic, keyOf({ key: Buffer.from(key) })],
    );
    return rows[0];
  }

  /** @returns up to which sequence a key's events were given up; 0 when none were. */
  async givenUpThrough(group: string, topic: string, key: string): Promise<number> {
    const { rows } = await this.database.query<{ sequence: string }>(
      'SELECT sequence FROM given_up WHERE consumer_group = $1 AND topic = $2 AND key = $3',
      [group, topic, key],
    );
    return Number(rows[0]?.sequence ?? 0);
  }

  /** @returns how many keys each group has parked; above 10,000 they are not counted. */
  async counts(): Promise<{ group: string; keys: number }[]> {
    const { rows } = await this.database.query<{ group: string; keys: number }>(
      `SELECT consumer_group AS group, count(*)::int AS keys
       FROM (SELECT consumer_group FROM parked_keys LIMIT ${mostCounted}) AS counted GROUP BY consumer_group`,
    );
    return rows;
  }

  /** @returns what newer releases wrote that a group has parked: kinds of events, not keys. */
  async newerKinds(group: string): Promise<{ topic: string; type: string; dataversion: number }[]> {
    const { rows } = await this.database.query<{ topic: string; type: string; dataversion: number }>(
      `SELECT DISTINCT topic, event_type AS type, dataversion FROM parked_keys WHERE consumer_group = $1 AND kind = 'newer'`,
      [group],
    );
    return rows;
  }

  /** @returns some of the keys that a group has parked behind such an event. */
  async newerKeys(group: string, topic: string, { type, dataversion }: { type: string; dataversion: number }): Promise<string[]> {
    const { rows } = await this.database.query<{ key: string }>(
      `SELECT key FROM parked_keys WHERE consumer_group = $1 AND topic = $2 AND event_type = $3 AND dataversion = $4 AND kind = 'newer'
         AND (redriven_until IS NULL OR redriven_until < now()) ORDER BY parked_at LIMIT 100`,
      [group, topic, type, dataversion],
    );
    return rows.map(({ key }) => key);
  }
}

/** @returns why something failed, as a parked key tells it. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function shortened(reason: string): string {
  return storable(reason.slice(0, 2000));
}
