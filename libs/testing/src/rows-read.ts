import type { TestSchema } from './test-schema.js';

type Queries = Pick<TestSchema, 'query'>;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

/** What a piece of work made PostgreSQL read. */
export interface RowsRead {
  /** Rows that were read from tables and indexes, those that a filter threw away included. */
  rows: number;
  /** Tables that were read from one end to the other. */
  wholeTables: string[];
}

/** Does some work, and tells from the plans of its statements what was read for it. Whatever the work writes is undone. */
export async function rowsReadBy(schema: TestSchema, work: (sql: Queries) => Promise<unknown>): Promise<RowsRead> {
  const nodes: PlanNode[] = [];
  const undone = new Error('undone');
  const doing = schema.transaction(async (tx) => {
    const explained: Queries = {
      async query<R>(text: string, values?: unknown[]) {
        await tx.query('SAVEPOINT explained');
        const { rows } = await tx.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
        await tx.query('ROLLBACK TO explained');
        for (const { Plan } of rows[0]?.['QUERY PLAN'] ?? []) nodes.push(...withChildren(Plan));
        return tx.query<R>(text, values);
      },
    };
    await work(explained);
    throw undone;
  });
  await doing.catch((error: unknown) => {
    if (error !== undone) throw error;
  });
  const scans = nodes.filter((node) => node['Relation Name'] && node['Node Type'].endsWith('Scan'));
  const read = (node: PlanNode) =>
    (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)) * node['Actual Loops'];
  return {
    rows: scans.reduce((total, node) => total + read(node), 0),
    wholeTables: scans.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name'] ?? ''),
  };
}

function withChildren(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(withChildren)];
}
