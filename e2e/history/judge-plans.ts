import type { Ran } from './plans.js';

/** A table this big must not be read from one end to the other. */
const bigTable = 10_000;
/** What a partition's name has besides its table's: `events_20261130`, `sent_3`. */
const ofPartition = /_(before|rest|\d+)$/;
/** What one question of one user, or one event, may make PostgreSQL read. */
const mostRows = 1000;
/** A statement that is given lists asks for many people or events at once. */
const forMany = /unnest\(\$|(ANY|ALL) ?\(\$/;
const mostRowsForMany = 10_000;
/** Nobody waits for these, and what they read at a time is bounded by their own limits. */
const inBatches = new Set(['jobs', 'relay']);

/**
 * @param tableRows how many rows each table has, by `service.table`.
 * @returns what is wrong, a line for each statement; once, however often it ran.
 */
export function judgePlans(all: readonly Ran[], tableRows: ReadonlyMap<string, number>): string[] {
  const faults = all.flatMap((ran) => {
    const rowsOf = (table: string) =>
      tableRows.get(`${ran.service}.${table}`) ?? tableRows.get(`${ran.service}.${table.replace(ofPartition, '')}`);
    const whole = ran.scans.filter(({ table, isWhole }) => isWhole && (rowsOf(table) ?? 0) > bigTable);
    const rows = ran.scans.reduce((sum, scan) => sum + scan.rows, 0);
    const most = forMany.test(ran.statement) ? mostRowsForMany : mostRows;
    const name = `${ran.service} (${ran.kind}): ${ran.statement}`;
    return [
      ...whole.map(({ table }) => ({ name, fault: `reads all of ${table}` })),
      ...(rows >= most && !inBatches.has(ran.kind) ? [{ name, fault: `reads ${rows} rows` }] : []),
    ];
  });
  const byName = Map.groupBy(faults, ({ name }) => name);
  return [...byName].map(([name, found]) => `${found[0]?.fault} (${found.length} times): ${name}`);
}
