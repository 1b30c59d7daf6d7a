import { randomUUID } from 'node:crypto';
import type { Database, Sql } from '../database.js';
import { InfrastructureError } from '../failures.js';
import type { Positions } from '../log/log-reader.js';
import type { Projection } from './projection.js';
import { hasShadow, makeShadow } from './shadow-tables.js';

/** How a rebuild is going, or how the last one went. */
export interface RebuildStatus {
  state: 'folding' | 'done' | 'failed';
  /** Messages folded, and how many there were when it began: those that come meanwhile are not counted. */
  folded: number;
  toFold: number;
  error: string | null;
  startedAt: Date;
  endedAt: Date | null;
  /** Keys that could not be folded, and why: the projection is without them. */
  leftOut: { topic: string; key: string; reason: string }[];
}

const leaseSeconds = 30;
const leftOutListed = 100;

/** What is written down of a projection's rebuild, so that it survives its process and everybody can see it. */
export class RebuildRow {
  /** Who leads, of all processes and runs. */
  readonly #me = randomUUID();
  readonly #database: Database;
  readonly #name: string;

  /** @param looksOn is asked whether a rebuild wants leading. */
  constructor(
    private readonly projection: Projection,
    private readonly looksOn: Sql = projection.database,
  ) {
    this.#database = projection.database;
    this.#name = projection.options.name;
  }

  /** Begins a rebuild from nothing, unless one is under way. @returns whether it was begun. */
  async begin(): Promise<boolean> {
    return this.#database.transaction(async (tx) => {
      const { rowCount } = await tx.query(
        `INSERT INTO rebuilds AS last (projection, rebuild_id, state) VALUES ($1, $2, 'folding')
         ON CONFLICT (projection) DO UPDATE
         SET rebuild_id = excluded.rebuild_id, state = 'folding', folded = 0, to_fold = 0, error = NULL, started_at = clock_timestamp(),
             ended_at = NULL, led_by = NULL, led_until = NULL
         WHERE last.state <> 'folding'`,
        [this.#name, randomUUID()],
      );
      if (rowCount === 0) return false;
      await this.#empty(tx);
      return true;
    });
  }

  /** Makes this process the leader, when a rebuild is under way that nobody leads. */
  async lead(): Promise<boolean> {
    const { rowCount } = await this.looksOn.query(
      `UPDATE rebuilds SET led_by = $2, led_until = now() + interval '${leaseSeconds} seconds'
       WHERE projection = $1 AND state = 'folding' AND (led_until IS NULL OR led_until < now() OR led_by = $2)`,
      [this.#name, this.#me],
    );
    return rowCount === 1;
  }

  /** Lets another process lead at once. */
  async release(): Promise<void> {
    await this.#database.query('UPDATE rebuilds SET led_until = NULL, led_by = NULL WHERE projection = $1 AND led_by = $2', [
      this.#name,
      this.#me,
    ]);
  }

  /** @returns where to go on; from the beginning where a migration has changed the tables since. */
  async positions(): Promise<Positions> {
    const { tables } = this.projection.options;
    const whole = await Promise.all(tables.map((table) => hasShadow(this.#database, this.#database.schema, table)));
    if (whole.includes(false)) await this.#database.transaction((tx) => this.#empty(tx));
    const { rows } = await this.#database.query<{ topic: string; partition: number; next: string }>(
      'SELECT topic, partition, next FROM rebuild_offsets WHERE projection = $1',
      [this.#name],
    );
    const byTopic = Map.groupBy(rows, ({ topic }) => topic);
    return new Map([...byTopic].map(([topic, list]) => [topic, new Map(list.map(({ partition, next }) => [partition, BigInt(next)]))]));
  }

  /** @returns the keys that are left out, as `topic key`. */
  async leftOut(): Promise<Set<string>> {
    const { rows } = await this.#database.query<{ topic: string; key: string }>(
      'SELECT topic, key FROM rebuild_left_out WHERE projection = $1',
      [this.#name],
    );
    return new Set(rows.map(({ topic, key }) => `${topic} ${key}`));
  }

  async leaveOut(topic: string, key: string, reason: string): Promise<void> {
    await this.#database.query(
      'INSERT INTO rebuild_left_out (projection, topic, key, reason) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
      [this.#name, topic, key, reason],
    );
  }

  async expect(messages: bigint): Promise<void> {
    await this.#database.query('UPDATE rebuilds SET to_fold = folded + $2 WHERE projection = $1', [this.#name, String(messages)]);
  }

  /**
   * Notes in the step's own transaction how far it came.
   * @throws InfrastructureError when another process leads by now: nothing of the step may stay.
   */
  async note(tx: Sql, step: { topic: string; partition: number; next: bigint; folded: number }): Promise<void> {
    const { rowCount } = await tx.query(
      `WITH mine AS (
         UPDATE rebuilds SET folded = folded + $3, led_until = now() + interval '${leaseSeconds} seconds'
         WHERE projection = $1 AND led_by = $2 AND state = 'folding' RETURNING 1
       )
       INSERT INTO rebuild_offsets (projection, topic, partition, next) SELECT $1, $4, $5, $6 FROM mine
       ON CONFLICT (projection, topic, partition) DO UPDATE SET next = excluded.next`,
      [this.#name, this.#me, step.folded, step.topic, step.partition, String(step.next)],
    );
    if (rowCount !== 1) throw new InfrastructureError(`another process leads the rebuild of ${this.#name}`);
  }

  /** Ends it in the transaction that puts the new tables in place. Waits for a step in hand; the next one finds it ended. */
  async end(tx: Sql): Promise<void> {
    const { rowCount } = await tx.query(
      `UPDATE rebuilds SET state = 'done', ended_at = clock_timestamp(), led_by = NULL, led_until = NULL
       WHERE projection = $1 AND led_by = $2 AND state = 'folding'`,
      [this.#name, this.#me],
    );
    if (rowCount !== 1) throw new InfrastructureError(`another process leads the rebuild of ${this.#name}`);
    await tx.query('DELETE FROM rebuild_offsets WHERE projection = $1', [this.#name]);
  }

  async fail(reason: string): Promise<void> {
    await this.#database.query(
      "UPDATE rebuilds SET state = 'failed', error = $3, ended_at = clock_timestamp() WHERE projection = $1 AND led_by = $2 AND state = 'folding'",
      [this.#name, this.#me, reason],
    );
  }

  /** @returns how it goes; undefined when there was none yet. */
  async status(): Promise<RebuildStatus | undefined> {
    const { rows } = await this.#database.query<Omit<RebuildStatus, 'leftOut'>>(
      `SELECT state, folded::float8 AS folded, to_fold::float8 AS "toFold", error, started_at AS "startedAt", ended_at AS "endedAt"
       FROM rebuilds WHERE projection = $1`,
      [this.#name],
    );
    if (!rows[0]) return undefined;
    const leftOut = await this.#database.query<{ topic: string; key: string; reason: string }>(
      `SELECT topic, key, reason FROM rebuild_left_out WHERE projection = $1 ORDER BY topic, key LIMIT ${leftOutListed}`,
      [this.#name],
    );
    return { ...rows[0], leftOut: leftOut.rows };
  }

  /** Makes empty shadows, and forgets how far an earlier rebuild came. */
  async #empty(tx: Sql): Promise<void> {
    for (const table of this.projection.options.tables) await makeShadow(tx, this.#database.schema, table);
    await tx.query('DELETE FROM rebuild_offsets WHERE projection = $1', [this.#name]);
    await tx.query('DELETE FROM rebuild_left_out WHERE projection = $1', [this.#name]);
    await tx.query('UPDATE rebuilds SET folded = 0 WHERE projection = $1', [this.#name]);
  }
}
