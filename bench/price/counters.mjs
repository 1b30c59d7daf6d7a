import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';

/** What every service's statements are told apart by: a role of its own in the database, for this measurement alone. */
const roleOf = (service) => `bench_${service}`;

/** PostgreSQL as it counts statements, and knows when a transaction committed. */
export const countingDatabase = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.save': 'off',
  track_commit_timestamp: 'on',
};

/** Makes a role for each service, and the counting. @returns the settings with which the services use them. */
export async function prepareCounting(servers, services) {
  const sql = new pg.Client({ connectionString: servers.database });
  await sql.connect();
  const { username, password } = new URL(servers.database);
  try {
    await sql.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    const settings = {};
    for (const service of services) {
      const role = roleOf(service);
      await sql.query(
        `CREATE ROLE ${pg.escapeIdentifier(role)} LOGIN SUPERUSER PASSWORD ${pg.escapeLiteral(decodeURIComponent(password))} IN ROLE ${pg.escapeIdentifier(username)}`,
      );
      const url = new URL(servers.database);
      url.username = role;
      settings[service] = { DATABASE_URL: url.href };
    }
    return settings;
  } finally {
    await sql.end();
  }
}

/** Reads what the parts of a fleet have used up so far. */
export class Counters {
  #fleet;
  #client;
  #sql;

  static async of(fleet, clientPid) {
    const counters = new Counters();
    counters.#fleet = fleet;
    counters.#client = clientPid;
    counters.#sql = new pg.Client({ connectionString: fleet.servers.database, application_name: 'bench' });
    await counters.#sql.connect();
    return counters;
  }

  async close() {
    await this.#sql.end();
  }

  /** @returns statements by role, commits, flushes of the log, and requests to Kafka by service and kind. */
  async counts() {
    return { kafka: await this.#kafka(), statements: await this.#statements(), ...(await this.#database()) };
  }

  /**
   * @param {{at: number, callId: string, cause: string}[]} arrivals of what events of calls brought about, by the machine's clock.
   * @returns how long after the commit of its cause each came, in milliseconds.
   */
  async afterCommits(arrivals) {
    const { rows } = await this.#sql.query(
      `SELECT call_id, type, extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000 AS at FROM calls.events
       WHERE call_id = ANY ($1) AND type IN ('call.dialed', 'call.answered', 'call.ended')`,
      [[...new Set(arrivals.map(({ callId }) => callId))]],
    );
    const committed = new Map(rows.map(({ call_id, type, at }) => [`${call_id} ${type}`, Number(at)]));
    return arrivals.map(({ at, callId, cause }) => at - committed.get(`${callId} ${cause}`)).filter((took) => !Number.isNaN(took));
  }

  /** @returns how many notifications wait to be handed over. */
  async pendingMessages() {
    const { rows } = await this.#sql.query("SELECT count(*)::int AS count FROM notifications.messages WHERE state = 'pending'");
    return rows[0].count;
  }

  /** @returns processor time in seconds by process, and when that was. */
  time() {
    return { at: performance.now() / 1000, cpu: this.#cpu() };
  }

  #cpu() {
    const all = readProcesses();
    const seconds = {};
    for (const { name, pid } of this.#fleet.processes.status()) {
      const own = all.get(pid);
      const children = name === 'postgres' ? [...all.values()].filter(({ parent }) => parent === pid) : [];
      seconds[name] = [own, ...children].reduce(
        (sum, one) => sum + (one?.seconds ?? 0) + (name === 'postgres' ? (one?.waitedFor ?? 0) : 0),
        0,
      );
    }
    return { ...seconds, client: all.get(this.#client)?.seconds ?? 0 };
  }

  async #kafka() {
    const counts = await Promise.all(
      this.#fleet.services.map(async ({ name, readyUrl }) => {
        const text = await (await fetch(new URL('/metrics', readyUrl), { signal: AbortSignal.timeout(10_000) })).text();
        const found = text.matchAll(/^kafka_requests_total\{[^}]*api="([^"]+)"[^}]*\} (\d+)/gm);
        return [name, Object.fromEntries([...found].map(([, api, count]) => [api, Number(count)]))];
      }),
    );
    return Object.fromEntries(counts);
  }

  async #statements() {
    const { rows } = await this.#sql.query(
      `SELECT pg_get_userbyid(userid) AS role, queryid::text AS id, min(query) AS text, sum(calls)::float8 AS calls,
              sum(total_exec_time)::float8 AS ms
       FROM pg_stat_statements WHERE userid IN (SELECT oid FROM pg_roles WHERE rolname LIKE 'bench\\_%') GROUP BY userid, queryid`,
    );
    return rows.map((row) => ({ ...row, role: row.role.replace('bench_', '') }));
  }

  async #database() {
    const { rows } = await this.#sql.query(
      `SELECT (SELECT sum(xact_commit)::float8 FROM pg_stat_database) AS commits,
              (SELECT (to_jsonb(wal) ->> 'wal_sync')::float8 FROM pg_stat_wal AS wal) AS flushes`,
    );
    return rows[0];
  }
}

/** @returns of each process its parent, and the processor time that it, and those of its children that it has waited for, used. */
function readProcesses() {
  const found = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ').map(Number);
      found.set(Number(pid), { parent: fields[1], seconds: (fields[11] + fields[12]) / 100, waitedFor: (fields[13] + fields[14]) / 100 });
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** @returns the processor time that a process used so far, in seconds. */
export const processorTimeOf = (pid) => readProcesses().get(pid)?.seconds ?? 0;

/** @returns what was used between two readings. */
export function difference(before, after) {
  const less = (one, other) => Object.fromEntries(Object.entries(other).map(([key, value]) => [key, value - (one[key] ?? 0)]));
  const known = new Map(before.statements.map((one) => [`${one.role} ${one.id}`, one]));
  return {
    seconds: after.at - before.at,
    cpu: less(before.cpu, after.cpu),
    kafka: Object.fromEntries(Object.entries(after.kafka).map(([service, counts]) => [service, less(before.kafka[service] ?? {}, counts)])),
    statements: after.statements
      .map((one) => {
        const then = known.get(`${one.role} ${one.id}`);
        return { ...one, calls: one.calls - (then?.calls ?? 0), ms: one.ms - (then?.ms ?? 0) };
      })
      .filter(({ calls }) => calls > 0),
    commits: after.commits - before.commits,
    flushes: after.flushes - before.flushes,
  };
}
