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

/** What the server says of each statement, those inside functions included; needs a superuser. */
const explaining = {
  log_min_duration: '0',
  log_nested_statements: 'on',
  log_analyze: 'on',
  log_format: 'json',
};

/** Does some work, and tells from the plans of its statements what was read for it. Whatever the work writes is undone. */
export async function rowsReadBy(schema: TestSchema, work: (sql: Queries) => Promise<unknown>): Promise<RowsRead> {
  const nodes: PlanNode[] = [];
  const session = await schema.connect();
  session.on('notice', (notice) => {
    const [, plan] = /plan:\n([\s\S]*)$/.exec((notice as { message: string }).message) ?? [];
    if (plan) nodes.push(...withChildren((JSON.parse(plan) as { Plan: PlanNode }).Plan));
  });
  try {
    await session.query("LOAD 'auto_explain'");
    for (const [setting, value] of Object.entries(explaining)) await session.query(`SET auto_explain.${setting} = '${value}'`);
    await session.query('BEGIN');
    await session.query('SET LOCAL client_min_messages = log');
    await work({ query: (text, values) => session.query(text, values) });
    await session.query('ROLLBACK');
  } finally {
    await session.end();
  }
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
