import { AsyncLocalStorage } from 'node:async_hooks';
import type { Database, OwnConnection, Rows, Transaction } from '@communication-center/event-log';
import pg from 'pg';
import type { DatabaseSettings } from '../settings.js';
import { type ConnectionKind, connectionKinds, patienceMs, roleOf, sessionSettings, startUpOptions } from './connection-kinds.js';
import { connectionsOf } from './connection-metrics.js';
import { inTurn } from './in-turn.js';

export interface PostgresOptions {
  /** The schema every unqualified name means; the service's name. */
  schema: string;
  settings: DatabaseSettings;
  /** Connections of each kind at most, where that is not what the settings say. */
  pools?: Partial<Record<ConnectionKind, number>>;
  /** Gets errors of idle connections, which the pool replaces. */
  onError: (error: unknown) => void;
}

/**
 * A service's own schema in PostgreSQL. Statements run on pooled connections, which keep nothing between transactions: no SET
 * without LOCAL, no session locks, no named statements, no LISTEN. Those belong on a connection of one's own.
 */
export class Postgres implements Database {
  readonly schema: string;
  readonly #settings: DatabaseSettings;
  readonly #pools: Record<ConnectionKind, pg.Pool>;
  readonly #kind = new AsyncLocalStorage<ConnectionKind>();
  /** For what looks around now and then, one thing at a time: all of it keeps one connection of an idle service. See {@link inTurn}. */
  readonly background: Database;

  constructor({ schema, settings, pools, onError }: PostgresOptions) {
    this.schema = schema;
    this.background = inTurn(this.of('jobs'));
    this.#settings = settings;
    const sizes = { ...poolSizes(settings), ...pools };
    const made = connectionKinds.map((kind) => [kind, makePool(settings, schema, kind, sizes[kind])] as const);
    this.#pools = Object.fromEntries(made) as Record<ConnectionKind, pg.Pool>;
    for (const [kind, pool] of made) {
      pool.on('error', onError);
      // One that is lost while a transaction has it, between two statements, fails at the next; without this it would end the process.
      pool.on('connect', (client) => client.on('error', () => undefined));
      connectionsOf.set(pool, kind);
    }
  }

  /** Runs `work` with every statement in it on connections of this kind; without this they are for commands. */
  during<T>(kind: ConnectionKind, work: () => T): T {
    return this.#kind.run(kind, work);
  }

  /** @returns this database with every statement on connections of one kind. */
  of(kind: ConnectionKind): Database {
    return {
      schema: this.schema,
      query: (text, values) => this.during(kind, () => this.query(text, values)),
      transaction: (work) => this.during(kind, () => this.transaction(work)),
      connect: () => this.connect(),
    };
  }

  async query<R = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Rows<R>> {
    const client = await this.#connection();
    try {
      const rows = await client.query(text, values);
      client.release();
      return rows as unknown as Rows<R>;
    } catch (error) {
      client.release(!isAnswer(error));
      throw error;
    }
  }

  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const client = await this.#connection();
    const tx = new PooledTransaction(client);
    try {
      const result = await work(tx);
      await tx.commit();
      client.release();
      return result;
    } catch (error) {
      client.release(!(await tx.isOver(error)));
      throw error;
    }
  }

  /** Opens a connection past the pooler: what holds locks of its session, or listens, needs one. */
  async connect(): Promise<OwnConnection> {
    const client = new pg.Client({
      ...clientConfig(this.schema, 'direct'),
      connectionString: this.#settings.DATABASE_DIRECT_URL ?? this.#settings.DATABASE_URL,
      options: startUpOptions(sessionSettings(this.schema, 'direct')),
    });
    // The owner adds its own listener; this one keeps an early error from ending the process.
    client.on('error', () => undefined);
    await client.connect();
    return client as unknown as OwnConnection;
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#pools).map((pool) => pool.end()));
  }

  #connection(): Promise<pg.PoolClient> {
    return this.#pools[this.#kind.getStore() ?? 'commands'].connect();
  }
}

/** A transaction on a pooled connection, which sends statements without waiting for the answers to those before. */
class PooledTransaction implements Transaction {
  #begun: Promise<unknown> | undefined;
  #committed: Promise<unknown> | undefined;
  /** Whether nobody knows what the connection is at, though no transaction has begun. */
  #isLost = false;

  constructor(private readonly client: pg.PoolClient) {}

  alone = async <R = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Rows<R>> => {
    if (this.#begun) throw new Error('This transaction has begun');
    try {
      return (await this.client.query(text, values)) as unknown as Rows<R>;
    } catch (error) {
      this.#isLost = !isAnswer(error);
      throw error;
    }
  };

  async query<R = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Rows<R>> {
    if (this.#committed) throw new Error('This transaction has had its last statement');
    // Waited for at the end. Where it fails, so does what follows it.
    this.#begun ??= unheard(this.client.query('BEGIN'));
    return (await this.client.query(text, values)) as unknown as Rows<R>;
  }

  last = <R = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Rows<R>> => {
    const answer = this.query<R>(text, values);
    // After a statement that failed this rolls back.
    this.#committed = unheard(this.client.query('COMMIT'));
    return answer;
  };

  async commit(): Promise<void> {
    if (!this.#begun) return;
    await this.#begun;
    await (this.#committed ?? this.client.query('COMMIT'));
  }

  /** Ends it after a failure. @returns whether its connection is good for the next one. */
  async isOver(error: unknown): Promise<boolean> {
    return this.#begun ? isRolledBack(this.client, error) : !this.#isLost;
  }
}

/** @returns a promise that is waited for later: until then nobody is told where it fails. */
function unheard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

const lostStates = /^(08|57P|25P03)/;

/**
 * Whether a failure is what the server answered to a statement. After any other one nobody knows what the connection is at: it
 * may hold a transaction, or give the late answer to the next question, so it is not used again.
 */
function isAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity === 'ERROR' && !lostStates.test(error.code ?? '');
}

/** Ends a failed transaction. @returns whether its connection is good for the next one. */
async function isRolledBack(client: pg.PoolClient, error: unknown): Promise<boolean> {
  // A server that left a statement without an answer would leave this one, too.
  if (error instanceof Error && error.message === 'Query read timeout') return false;
  return client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
}

function poolSizes(settings: DatabaseSettings): Record<ConnectionKind, number> {
  return {
    commands: settings.DATABASE_POOL,
    reads: settings.DATABASE_READS_POOL,
    lists: settings.DATABASE_LISTS_POOL,
    consumers: settings.DATABASE_CONSUMERS_POOL,
    relay: settings.DATABASE_RELAY_POOL,
    jobs: settings.DATABASE_JOBS_POOL,
  };
}

/**
 * How long a connection is kept that nobody uses, in milliseconds: what looks for work now and then must not hold one of
 * PostgreSQL's few in each of many idle services, and one that is used each second must not be made anew.
 */
const keptIdleMs = 10_000;

function makePool(settings: DatabaseSettings, schema: string, kind: ConnectionKind, max: number): pg.Pool {
  // A transaction-mode pooler refuses start-up options: there the role carries them.
  const signIn =
    settings.DATABASE_POOLER === 'transaction'
      ? { connectionString: asRole(settings.DATABASE_URL, schema, kind) }
      : { connectionString: settings.DATABASE_URL, options: startUpOptions(sessionSettings(schema, kind)) };
  return new pg.Pool({
    ...clientConfig(schema, kind),
    ...signIn,
    pipeline: true,
    max,
    idleTimeoutMillis: keptIdleMs,
    maxLifetimeSeconds: 1800,
  });
}

function clientConfig(schema: string, kind: ConnectionKind | 'direct'): pg.ClientConfig {
  return {
    application_name: `communication-center ${schema} ${kind}`,
    connectionTimeoutMillis: 3000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5000,
    query_timeout: patienceMs(kind),
  };
}

/** @returns the URL with the role of a kind in place of its user. */
export function asRole(url: string, schema: string, kind: ConnectionKind): string {
  const changed = new URL(url);
  if (!changed.username) throw new Error('DATABASE_URL must name its user where DATABASE_POOLER is "transaction"');
  changed.username = encodeURIComponent(roleOf(decodeURIComponent(changed.username), schema, kind));
  return changed.href;
}
