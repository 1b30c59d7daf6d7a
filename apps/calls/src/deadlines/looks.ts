import type { CallId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { type Looks, lookAt } from '../domain/lateness.js';

interface LookRow {
  now: number;
  looked_at: number;
  away_from: number | null;
  away_until: number | null;
  wait: number | null;
}

export interface Look {
  looks: Looks;
  /** Milliseconds until the next deadline is due, less than 0 where it is; null when there is none. */
  waitMs: number | null;
}

const ms = (time: string) => `(extract(epoch FROM ${time}) * 1000)::float8`;

/**
 * Looks for deadlines that are due, and notes for all replicas that somebody has looked, a few times per `outageAfterMs`.
 * @param resting calls whose deadlines are left alone for now.
 */
export async function look(sql: Sql, outageAfterMs: number, resting: readonly CallId[]): Promise<Look> {
  for (;;) {
    const { rows } = await sql.query<LookRow>(
      `SELECT ${ms('clock_timestamp()')} AS now, ${ms('looked_at')} AS looked_at, ${ms('away_from')} AS away_from,
              ${ms('away_until')} AS away_until,
              (SELECT ${ms('due_at - clock_timestamp()')} FROM deadlines WHERE call_id <> ALL($1::uuid[]) ORDER BY due_at LIMIT 1) AS wait
       FROM sweepers`,
      [resting],
    );
    const [row] = rows;
    if (!row) throw new Error('The row of the sweepers is missing');
    const known = looksIn(row);
    if (row.now - known.lookedAt < outageAfterMs / 4) return { looks: known, waitMs: row.wait };
    const looks = lookAt(Math.floor(row.now), known, outageAfterMs);
    if (await note(sql, known, looks)) return { looks, waitMs: row.wait };
    // Another replica noted its look first: what it found out counts.
  }
}

function looksIn({ looked_at, away_from, away_until }: LookRow): Looks {
  const away = away_from === null || away_until === null ? undefined : { from: away_from, until: away_until };
  return { lookedAt: looked_at, away };
}

/** @returns whether nobody else noted a look meanwhile. */
async function note(sql: Sql, known: Looks, { lookedAt, away }: Looks): Promise<boolean> {
  const { rowCount } = await sql.query(
    `UPDATE sweepers SET looked_at = to_timestamp($2::float8 / 1000), away_from = to_timestamp($3::float8 / 1000),
       away_until = to_timestamp($4::float8 / 1000)
     WHERE looked_at = to_timestamp($1::float8 / 1000)::timestamptz(3)`,
    [known.lookedAt, lookedAt, away?.from ?? null, away?.until ?? null],
  );
  return rowCount === 1;
}
