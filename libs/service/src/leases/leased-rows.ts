import type { Sql } from '@communication-center/event-log';

/** A table whose rows are worked on by one process at a time. */
export interface LeasedTable {
  table: string;
  /** The column that names a row. */
  id: string;
  /** Until when a row is left to whoever has it; from then on anybody may claim it. An index leads with it. */
  due: string;
  /** Which rows may be claimed at all, in the words of the partial index on `due`, such as `look_at IS NOT NULL`. */
  only: string;
  /** What counts the claims of a row: who has an older one has lost it. Left out where nobody holds a row for longer than it is claimed for. */
  fence?: string;
}

/** A claim on a row: its name, and the fence as it was then. */
export interface Claim {
  id: string;
  fence: number;
}

/** What is set besides, as a list of SQL whose values begin with `$4`. */
interface AlsoSet {
  set: string;
  values: readonly unknown[];
}

const nothingElse: AlsoSet = { set: '', values: [] };

/**
 * The rows of one table that processes claim for a time, renew while they live, and give back: so each is worked on by one of them, and of one that is
 * killed another goes on once its time has run out. Times are the database's.
 */
export class LeasedRows {
  readonly #table: LeasedTable;

  constructor(table: LeasedTable) {
    this.#table = table;
  }

  /**
   * Claims rows that are due, the longest first; those that another process is at are passed over.
   * @param most so many rows. @param seconds for so long. @param select what is read of them: SQL over the rows `mine`.
   */
  async claim<R>(sql: Sql, most: number, seconds: number, select = 'SELECT * FROM mine'): Promise<R[]> {
    const { table, id, due, only, fence } = this.#table;
    const { rows } = await sql.query<R>(
      `WITH due AS MATERIALIZED (
         SELECT ${id} FROM ${table} WHERE ${only} AND ${due} <= clock_timestamp() ORDER BY ${due} LIMIT $1 FOR UPDATE SKIP LOCKED),
       mine AS (
         UPDATE ${table} SET ${due} = clock_timestamp() + make_interval(secs => $2)${fence ? `, ${fence} = ${fence} + 1` : ''}
         FROM due WHERE ${table}.${id} = due.${id} RETURNING ${table}.*)
       ${select}`,
      [most, seconds],
    );
    return rows;
  }

  /**
   * Says that whoever has a row lives, for so many seconds more.
   * @param also what is noted with it. @param select as of {@link claim}.
   * @returns the row as it is now; undefined where another process has claimed it since, or it is not to be worked on any more.
   */
  async renew<R>(sql: Sql, claim: Claim, seconds: number, also = nothingElse, select = 'SELECT * FROM mine'): Promise<R | undefined> {
    const { table, due } = this.#table;
    const { rows } = await sql.query<R>(
      `WITH mine AS (
         UPDATE ${table} SET ${due} = clock_timestamp() + make_interval(secs => $3::float8)${also.set && `, ${also.set}`}
         WHERE ${this.#isMine} RETURNING ${table}.*)
       ${select}`,
      [claim.id, claim.fence, seconds, ...also.values],
    );
    return rows[0];
  }

  /** Gives a row back, where it is still this claim's: anybody may claim it in so many seconds. */
  async release(sql: Sql, claim: Claim, inSeconds = 0, also = nothingElse): Promise<void> {
    const { table, due } = this.#table;
    await sql.query(
      `UPDATE ${table} SET ${due} = clock_timestamp() + make_interval(secs => $3::float8)${also.set && `, ${also.set}`} WHERE ${this.#isMine}`,
      [claim.id, claim.fence, inSeconds, ...also.values],
    );
  }

  /** @returns in how many milliseconds the next row is due, less than 0 where one is; null where there is none. */
  async nextIn(sql: Sql): Promise<number | null> {
    const { table, due, only } = this.#table;
    const { rows } = await sql.query<{ ms: number }>(
      `SELECT extract(epoch FROM ${due} - clock_timestamp())::float8 * 1000 AS ms FROM ${table} WHERE ${only} ORDER BY ${due} LIMIT 1`,
    );
    return rows[0]?.ms ?? null;
  }

  get #isMine(): string {
    const { id, fence, only } = this.#table;
    if (fence === undefined) throw new Error('Rows without a fence are neither renewed nor given back');
    return `${id} = $1 AND ${fence} = $2 AND ${only}`;
  }
}
