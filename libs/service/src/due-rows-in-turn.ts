import type { Sql } from '@communication-center/event-log';

/**
 * A table whose rows wait for attempts. It has the columns `state`, `attempts` and `next_attempt_at`, and an index on
 * (`turn`, `next_attempt_at`) of the rows whose state is `pending`.
 */
export interface WaitingTable {
  table: string;
  id: string;
  /** The column that says whose row it is: everybody who has some takes turns. */
  turn: string;
  /** What is below every value of that column. */
  first: string;
  /** How many take turns in one look. */
  turnsAtOnce: number;
  /** How many rows one look finds at most, shared out among them. */
  rowsAtOnce: number;
  /** For so long after its time a row is left to whoever is at it. */
  graceSeconds?: number;
}

/** A row whose time has passed. */
export interface DueRow {
  rowId: string;
  /** Attempts that were made. */
  made: number;
  turn: string;
}

/** The rows of one table that wait for attempts: how those are found whose time has passed, and how an attempt is claimed. */
export class RowsInTurn {
  readonly #table: WaitingTable;
  readonly #find: string;

  constructor(table: WaitingTable) {
    this.#table = table;
    const { table: rows, id, turn } = table;
    this.#find = `
      WITH RECURSIVE who AS (
        (SELECT ${turn} AS turn, 1 AS number FROM ${rows} WHERE state = 'pending' AND ${turn} > $1 ORDER BY ${turn} LIMIT 1)
        UNION ALL
        SELECT next.turn, who.number + 1 FROM who, LATERAL (
          SELECT ${turn} AS turn FROM ${rows} WHERE state = 'pending' AND ${turn} > who.turn ORDER BY ${turn} LIMIT 1
        ) AS next WHERE who.number < $2)
      SELECT who.turn, who.number, due.row_id AS "rowId", due.attempts AS made FROM who LEFT JOIN LATERAL (
        SELECT ${id} AS row_id, attempts FROM ${rows}
        WHERE state = 'pending' AND ${turn} = who.turn AND next_attempt_at <= now() - make_interval(secs => $5) AND ${turn} <> ALL ($4)
        ORDER BY next_attempt_at LIMIT (SELECT $3::bigint / count(*) FROM who)
      ) AS due ON true ORDER BY who.number`;
  }

  /** Where a round over all who have rows begins. */
  get first(): string {
    return this.#table.first;
  }

  /**
   * Finds rows whose time has passed, a few of each: however many wait for one, another's are found as soon. It goes round those
   * who have some, by the index, some at a time.
   * @param after where the round stands. @param passedOver who takes none for now.
   * @returns the oldest rows of each, and where the round stands now.
   */
  async due(sql: Sql, after: string, passedOver: readonly string[] = []): Promise<{ due: DueRow[]; next: string }> {
    const { turnsAtOnce, rowsAtOnce, graceSeconds = 0, first } = this.#table;
    const { rows } = await sql.query<{ turn: string; number: number; rowId: string | null; made: number }>(this.#find, [
      after,
      turnsAtOnce,
      rowsAtOnce,
      passedOver,
      graceSeconds,
    ]);
    const last = rows.at(-1);
    return {
      due: rows.flatMap(({ turn, rowId, made }) => (rowId === null ? [] : [{ rowId, made, turn }])),
      next: last?.number === turnsAtOnce ? last.turn : first,
    };
  }

  /**
   * Takes an attempt, so that nobody else makes it.
   * @param made how many were made before. @param seconds after so long without an end it counts as lost, and the row is due again.
   * @param returning SQL of what the attempt needs, of the row `mine`.
   * @returns that; undefined where somebody else was faster, or the row has ended.
   */
  async claim<R>(
    sql: Sql,
    rowId: string,
    { made, seconds, returning }: { made: number; seconds: number; returning: string },
  ): Promise<R | undefined> {
    const { table, id } = this.#table;
    const { rows } = await sql.query<R>(
      `UPDATE ${table} AS mine SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => $3)
       WHERE ${id} = $1 AND state = 'pending' AND attempts = $2 RETURNING ${returning}`,
      [rowId, made, seconds],
    );
    return rows[0];
  }
}
