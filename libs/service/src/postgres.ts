import type { Database, OwnConnection, Rows, Sql } from '@communication-center/event-log';
import pg from 'pg';

/** A service's own schema in PostgreSQL. */
export class Postgres implements Database {
  readonly #pool: pg.Pool;
  readonly #config: pg.ClientConfig;

  /**
   * @param schema the schema every unqualified name means.
   * @param onError gets errors of idle connections, which the pool replaces.
   */
  constructor(
    url: string,
    readonly schema: string,
    { pool, onError }: { pool: number; onError: (error: unknown) => void },
  ) {
    this.#config = {
      connectionString: url,
      options: `-c search_path=${schema}`,
      application_name: `communication-center ${schema}`,
      connectionTimeoutMillis: 3000,
      keepAlive: true,
      statement_timeout: 15_000,
      query_timeout: 20_000,
      idle_in_transaction_session_timeout: 60_000,
    };
    this.#pool = new pg.Pool({ ...this.#config, max: pool, idleTimeoutMillis: 60_000 });
    this.#pool.on('error', onError);
  }

  async query<R = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Rows<R>> {
    return (await this.#pool.query(text, values)) as unknown as Rows<R>;
  }

  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. */
  async transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(client as unknown as Sql);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: unknown) => {
        broken = failure instanceof Error ? failure : new Error(String(failure));
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async connect(): Promise<OwnConnection> {
    const client = new pg.Client(this.#config);
    // The owner adds its own listener; this one keeps an early error from ending the process.
    client.on('error', () => undefined);
    await client.connect();
    return client as unknown as OwnConnection;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
