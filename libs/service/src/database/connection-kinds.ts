/**
 * What a connection is for. Each kind has a pool of its own, so that none waits for another's statements, and limits of its
 * own: somebody waits for a command, nobody for a purge.
 */
export type ConnectionKind = 'commands' | 'reads' | 'lists' | 'consumers' | 'relay' | 'jobs';

export const connectionKinds: readonly ConnectionKind[] = ['commands', 'reads', 'lists', 'consumers', 'relay', 'jobs'];

interface Limits {
  statementMs: number;
  /** How long a statement waits for one lock. */
  lockMs: number;
  /** How long a transaction may stand still: then its process hangs, or is gone, and its locks must not stay. */
  idleInTransactionMs: number;
}

const limits: Record<ConnectionKind | 'direct', Limits> = {
  commands: { statementMs: 5000, lockMs: 4000, idleInTransactionMs: 10_000 },
  reads: { statementMs: 10_000, lockMs: 2000, idleInTransactionMs: 10_000 },
  lists: { statementMs: 5000, lockMs: 2000, idleInTransactionMs: 10_000 },
  consumers: { statementMs: 20_000, lockMs: 10_000, idleInTransactionMs: 30_000 },
  relay: { statementMs: 10_000, lockMs: 5000, idleInTransactionMs: 10_000 },
  jobs: { statementMs: 600_000, lockMs: 5000, idleInTransactionMs: 60_000 },
  direct: { statementMs: 15_000, lockMs: 5000, idleInTransactionMs: 10_000 },
};

/** @returns how long a client waits for an answer, in milliseconds: the server's own limit comes first where it can still speak. */
export function patienceMs(kind: ConnectionKind | 'direct'): number {
  return limits[kind].statementMs + 3000;
}

/**
 * @returns what PostgreSQL is told of a connection: when its role starts a session, or as the connection's start-up options.
 * A peer that vanished is noticed within 25 s, on a direct connection, which may hold locks others wait for, within 6 s.
 */
export function sessionSettings(schema: string, kind: ConnectionKind | 'direct'): Record<string, string> {
  const { statementMs, lockMs, idleInTransactionMs } = limits[kind];
  const [idle, interval, count] = kind === 'direct' ? [3, 1, 3] : [10, 5, 3];
  return {
    search_path: schema,
    // What a service asks reads a few rows: compiling it takes longer than running it, and is done anew each time.
    jit: 'off',
    statement_timeout: String(statementMs),
    lock_timeout: String(lockMs),
    idle_in_transaction_session_timeout: String(idleInTransactionMs),
    tcp_keepalives_idle: String(idle),
    tcp_keepalives_interval: String(interval),
    tcp_keepalives_count: String(count),
    tcp_user_timeout: String((idle + interval * count) * 1000),
  };
}

/** @returns settings as start-up options. Values hold neither blanks nor backslashes. */
export function startUpOptions(settings: Record<string, string>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

/** The role that a pooled connection of a kind signs in as, behind a pooler: `center_calls_commands`. */
export function roleOf(user: string, schema: string, kind: ConnectionKind): string {
  return `${user}_${schema}_${kind}`;
}
