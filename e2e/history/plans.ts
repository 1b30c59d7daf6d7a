import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { services } from '@communication-center/contracts/services';
import { eventually, type Fleet, serviceNames } from '@communication-center/testing';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

/** One statement as a service ran it, and how PostgreSQL went about it. */
export interface Ran {
  service: string;
  /** What its connection was for, such as `commands`. */
  kind: string;
  statement: string;
  milliseconds: number;
  scans: { table: string; isWhole: boolean; rows: number }[];
}

const library = 'auto_explain';
const settings = { log_min_duration: '0', log_analyze: 'on', log_timing: 'off', log_nested_statements: 'on', log_format: 'json' };
const head = /^\S+ \S+ \S+ \[\d+\] communication-center (\S+) (\S+): LOG: {2}duration: ([\d.]+) ms {2}plan:$/;

/** Has PostgreSQL log the plan of every statement that services run, until it is told to stop. */
export class PlanLog {
  readonly #file: string;
  #from = 0;

  constructor(private readonly fleet: Fleet) {
    this.#file = join(dirname(process.env.CENTER_INSTANCE_FILE ?? ''), 'logs/postgres.log');
  }

  async start(): Promise<void> {
    const name = await this.#databaseName();
    await this.fleet.query('public', `ALTER DATABASE ${name} SET session_preload_libraries = '${library}'`);
    for (const [setting, value] of Object.entries(settings)) {
      await this.fleet.query('public', `ALTER DATABASE ${name} SET ${library}.${setting} = '${value}'`);
    }
    await this.#reconnect();
    this.#from = readFileSync(this.#file).length;
  }

  async stop(): Promise<void> {
    const name = await this.#databaseName();
    for (const setting of Object.keys(settings)) await this.fleet.query('public', `ALTER DATABASE ${name} RESET ${library}.${setting}`);
    await this.fleet.query('public', `ALTER DATABASE ${name} RESET session_preload_libraries`);
    await this.#reconnect();
  }

  /** @returns what ran since the start. */
  read(): Ran[] {
    const lines = readFileSync(this.#file).subarray(this.#from).toString().split('\n');
    return lines.flatMap((line, index) => {
      const found = head.exec(line);
      if (!found) return [];
      const end = lines.findIndex((next, at) => at > index && !next.startsWith('\t'));
      const json = lines.slice(index + 1, end === -1 ? undefined : end).join('\n');
      return [toRan(found, JSON.parse(json) as { 'Query Text': string; Plan: PlanNode })];
    });
  }

  /** Sessions have the library, or have it no longer, once they are new. */
  async #reconnect(): Promise<void> {
    await this.fleet.query(
      'public',
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'communication-center %'",
    );
    for (const service of serviceNames) await this.fleet.ready(service);
    await eventually('every relay having its connection again', async () => {
      const [found] = await this.fleet.query<{ count: number }>(
        'public',
        "SELECT count(DISTINCT application_name)::int AS count FROM pg_stat_activity WHERE application_name LIKE 'communication-center % direct'",
      );
      return (found?.count ?? 0) >= services.filter(({ writes }) => writes.length > 0).length;
    });
  }

  async #databaseName(): Promise<string> {
    return (await this.fleet.query<{ name: string }>('public', 'SELECT quote_ident(current_database()) AS name'))[0]?.name ?? '';
  }
}

function toRan([, service = '', kind = '', milliseconds]: string[], explained: { 'Query Text': string; Plan: PlanNode }): Ran {
  const nodes = withChildren(explained.Plan).filter((node) => node['Relation Name'] && node['Node Type'].endsWith('Scan'));
  const rows = (node: PlanNode) =>
    (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0)) * node['Actual Loops'];
  return {
    service,
    kind,
    statement: explained['Query Text'].replace(/\s+/g, ' ').trim(),
    milliseconds: Number(milliseconds),
    scans: nodes.map((node) => ({ table: node['Relation Name'] ?? '', isWhole: node['Node Type'] === 'Seq Scan', rows: rows(node) })),
  };
}

function withChildren(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(withChildren)];
}
