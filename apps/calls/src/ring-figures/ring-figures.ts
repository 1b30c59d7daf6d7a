import type { Sql } from '@communication-center/event-log';
import { Postgres, tellFigure } from '@communication-center/service';
import { Injectable } from '@nestjs/common';

/** More than these are not counted. */
const mostCounted = 100_000;

/** @returns how many people are being rung now; above 100,000 it says 100,000. */
async function ringsNow(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ rings: number }>(
    `SELECT count(*)::int AS rings FROM (SELECT 1 FROM rings LIMIT ${mostCounted}) AS counted`,
  );
  return rows[0]?.rings ?? 0;
}

/** Tells Prometheus how many people are being rung: of the whole service, which all replicas tell alike. */
@Injectable()
export class RingFigures {
  constructor(database: Postgres) {
    const reads = database.of('reads');
    tellFigure('calls_rings', 'People who are being rung now, each call of them once, up to 100,000', () => ringsNow(reads));
  }
}
