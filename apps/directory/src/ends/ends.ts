import { type Ended, internalLimits } from '@communication-center/contracts/internal';
import type { Sql } from '@communication-center/event-log';

/**
 * Puts on record that something ended which let somebody in, in the transaction that ends it.
 *
 * It is the last statement before the commit. Whoever numbers an end holds the count until it has committed: so numbers become
 * visible in their order and without a gap, and who has read up to one has missed none. Those that end something at the same
 * moment wait for each other for the time of a commit, and never for anything else.
 */
export async function noteEnd(tx: Sql, ended: Ended): Promise<void> {
  await tx.query(
    `WITH next AS (UPDATE end_count SET last = last + 1 RETURNING last)
     INSERT INTO ends (sequence, ended) SELECT last, $1 FROM next`,
    [JSON.stringify(ended)],
  );
}

interface EndRow {
  last: string;
  sequence: string | null;
  ended: Ended | null;
}

/** What one answer tells of what has ended. */
export interface ToldEnds {
  upTo: number;
  isWhole: boolean;
  ended: Ended[];
  hasMore: boolean;
}

/** @returns what ended after `since`; where that is left out, in the last seconds. */
export async function ended(sql: Sql, { since, seconds }: { since?: number | undefined; seconds: number }): Promise<ToldEnds> {
  return endedSince(sql, since ?? (await lastBefore(sql, seconds)));
}

async function lastBefore(sql: Sql, seconds: number): Promise<number> {
  const { rows } = await sql.query<{ sequence: string }>(
    // Apart: else the smallest is looked for from the first end that was ever noted.
    `WITH lately AS MATERIALIZED (SELECT sequence FROM ends WHERE at > now() - make_interval(secs => $1))
     SELECT coalesce((SELECT min(sequence) - 1 FROM lately), last) AS sequence FROM end_count`,
    [seconds],
  );
  return Number(rows[0]?.sequence ?? 0);
}

async function endedSince(sql: Sql, since: number): Promise<ToldEnds> {
  const { rows } = await sql.query<EndRow>(
    `SELECT last, sequence, ended
     FROM end_count LEFT JOIN LATERAL (SELECT sequence, ended FROM ends WHERE sequence > $1 ORDER BY sequence LIMIT $2) AS after ON true`,
    [since, internalLimits.endsAtOnce],
  );
  const last = Number(rows[0]?.last ?? 0);
  const told = rows.flatMap(({ sequence, ended }) => (sequence !== null && ended ? [{ sequence: Number(sequence), ended }] : []));
  // Numbers have no gaps: where the next is not on record, it was, and is over; and a count that went back is another database's.
  const isWhole = since === last || told[0]?.sequence === since + 1;
  const upTo = isWhole ? (told.at(-1)?.sequence ?? since) : last;
  return { upTo, isWhole, ended: isWhole ? told.map(({ ended }) => ended) : [], hasMore: isWhole && upTo < last };
}
