import { type Fleet, serviceNames } from '@communication-center/testing';

/**
 * Tables that do not grow with history (what goes on now, queues, bookkeeping, settings of an app, what keeps a fixed number), or
 * whose rows mean work that would then be done.
 */
const left =
  /^(migrations|outbox|sent|unsendable|reconciled|parked|given_up|rebuild|processes|sessions|apps|app_|api_keys|endpoints|positions|changes|bucket_|people_to_look_at|rings|deadlines|topic_|compacted|due_|commands_waiting|sweepers|typeorm)/;

interface Column {
  name: string;
  type: string;
  made: boolean;
}

/**
 * Makes an app's short history long: copies each of its rows `times` over, with other ids, other people and earlier times. What
 * belongs together stays so, as the same id is changed in the same way everywhere. Every tenth copy is of the same people, so
 * that some have a long history themselves.
 */
export async function growHistory(fleet: Fleet, appId: string, times: number): Promise<void> {
  await Promise.all(serviceNames.map((service) => growService(fleet, service, appId, times)));
}

/** @returns how many rows each table has, by `service.table`, and refreshes the planner's idea of it. */
export async function tableRows(fleet: Fleet): Promise<Map<string, number>> {
  const all = new Map<string, number>();
  for (const service of serviceNames) {
    for (const table of await tablesOf(fleet, service)) {
      await fleet.query(service, `VACUUM ANALYZE ${table}`);
      const [found] = await fleet.query<{ rows: number }>(
        service,
        `SELECT reltuples::int AS rows FROM pg_class WHERE oid = '${table}'::regclass`,
      );
      all.set(`${service}.${table}`, found?.rows ?? 0);
    }
  }
  return all;
}

async function growService(fleet: Fleet, service: string, appId: string, times: number): Promise<void> {
  for (const table of await tablesOf(fleet, service)) if (!left.test(table)) await growTable(fleet, service, table, appId, times);
}

async function tablesOf(fleet: Fleet, service: string): Promise<string[]> {
  const rows = await fleet.query<{ name: string }>(
    service,
    "SELECT relname AS name FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY oid",
    [service],
  );
  return rows.map(({ name }) => name);
}

async function growTable(fleet: Fleet, service: string, table: string, appId: string, times: number): Promise<void> {
  const columns = await fleet.query<Column>(
    service,
    `SELECT quote_ident(attname) AS name, format_type(atttypid, NULL) AS type,
            attidentity <> '' OR attgenerated <> '' OR coalesce(pg_get_expr(adbin, adrelid) LIKE 'nextval%', false) AS made
     FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
    [table],
  );
  const given = columns.filter(({ made }) => !made);
  const has = (column: string) => columns.some(({ name }) => name === column);
  const chosen = `${has('app_id') ? 'app_id = $2' : '$2::text IS NOT NULL'} ${has('state') ? "AND state::text IS DISTINCT FROM 'pending'" : ''}`;
  // A copy that is there already is left out, and what belongs to it may stay without it.
  await fleet.query(service, `ALTER TABLE ${table} DISABLE TRIGGER ALL`);
  await fleet.query(
    service,
    `INSERT INTO ${table} (${given.map(({ name }) => name).join(', ')})
     SELECT ${given.map((column) => copied(column, times)).join(', ')}
     FROM (SELECT * FROM ${table} WHERE ${chosen} LIMIT 200) AS one, generate_series(1, $1::int) AS copy
     ON CONFLICT DO NOTHING`,
    [times, appId],
  );
  await fleet.query(service, `ALTER TABLE ${table} ENABLE TRIGGER ALL`);
}

const ids = "'([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})-[0-9a-f]{12}', '\\1-' || lpad(to_hex(copy), 12, '0'), 'g'";
const people = "'(past-[a-z]+)', CASE WHEN copy % 10 = 0 THEN '\\1' ELSE '\\1-' || copy / 10 END, 'g'";

function copied({ name, type }: Column, times: number): string {
  if (name === 'endpoint_id') return name;
  if (/^(uuid|text|character varying|json|jsonb)(\[\])?$/.test(type)) {
    return `regexp_replace(regexp_replace(${name}::text, ${ids}), ${people})::${type}`;
  }
  // Young enough to be kept, and in the order of the copies.
  return type === 'timestamp with time zone' ? `${name} - copy * interval '${(40 * 60_000) / times} milliseconds'` : name;
}
