import pg from 'pg';
import type { Fleet } from './fleet.js';

/** SQLSTATE of a statement that was broken off, so that others may go on. */
const deadlockDetected = '40P01';

/** A PostgreSQL schema of its own for one test, in the shape the event log asks of a database. */
export class TestSchema {
  readonly #pool: pg.Pool;
  readonly #config: pg.ClientConfig;

  private constructor(
    url: string,
    readonly schema: string,
  ) {
    this.#config = { connectionString: url, options: `-c search_path=${schema}`, application_name: schema };
    this.#pool = new pg.Pool({ ...this.#config, max: 10 });
    this.#pool.on('error', () => undefined);
  }

  static async make(fleet: Fleet, tables: readonly string[]): Promise<TestSchema> {
    const schema = `test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`;
    const made = new TestSchema(fleet.state.servers.database, schema);
    await made.query(`CREATE SCHEMA ${schema}`);
    for (const table of tables) await made.#define(table);
    return made;
  }

  /** Makes a schema as a service's migrations do. */
  static async migrated(fleet: Fleet, migrations: readonly (new () => { up(runner: never): Promise<void> })[]): Promise<TestSchema> {
    const made = await TestSchema.make(fleet, []);
    const runner = { query: async (statement: string, values?: unknown[]) => (await made.query(statement, values)).rows };
    for (const Migration of migrations) await new Migration().up(runner as never);
    return made;
  }

  /** Lets the planner know what is in the tables; in those of no other test, which may be on the point of dropping theirs. */
  async analyze(): Promise<void> {
    const { rows } = await this.query<{ table: string }>(
      `SELECT oid::regclass::text AS table FROM pg_class
       WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`,
      [this.schema],
    );
    await this.query(`ANALYZE ${rows.map(({ table }) => table).join(', ')}`);
  }

  /** Others make and drop schemas at the same time, and PostgreSQL may break one of two that wait for each other in its catalog. */
  async #define(statement: string): Promise<void> {
    for (let tries = 3; ; tries -= 1) {
      try {
        await this.query(statement);
        return;
      } catch (error) {
        if (tries <= 1 || (error as { code?: string }).code !== deadlockDetected) throw error;
      }
    }
  }

  async query<R = Record<string, unknown>>(text: string, values?: unknown[]): Promise<{ rows: R[]; rowCount: number | null }> {
    return (await this.#pool.query(text, values)) as unknown as { rows: R[]; rowCount: number | null };
  }

  async transaction<T>(
    work: (tx: Pick<TestSchema, 'query'> & { last: TestSchema['query']; alone: TestSchema['query'] }) => Promise<T>,
  ): Promise<T> {
    const client = await this.#pool.connect();
    const ask = client.query.bind(client) as unknown as TestSchema['query'];
    let isBegun = false;
    const query: TestSchema['query'] = (text, values) => {
      if (!isBegun) void ask('BEGIN');
      isBegun = true;
      return ask(text, values);
    };
    try {
      const result = await work({ query, last: query, alone: ask });
      if (isBegun) await ask('COMMIT');
      return result;
    } catch (error) {
      if (isBegun) await ask('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }

  async connect() {
    const client = new pg.Client(this.#config);
    client.on('error', () => undefined);
    await client.connect();
    return client as unknown as Pick<TestSchema, 'query'> & {
      on(event: string, listener: (...args: unknown[]) => void): unknown;
      end(): Promise<void>;
    };
  }

  async drop(): Promise<void> {
    // A statement that a process left behind when it was killed may hold what is dropped, and want what is dropped already.
    await this.#dropAfter(this.schema, 3);
    await this.query(`DROP SCHEMA IF EXISTS ${this.schema}_shadow CASCADE`);
    await this.#pool.end();
  }

  async #dropAfter(schema: string, deadlocks: number): Promise<void> {
    try {
      await this.query(`DROP SCHEMA ${schema} CASCADE`);
    } catch (error) {
      if ((error as { code?: string }).code !== '40P01' || deadlocks === 0) throw error;
      await this.#dropAfter(schema, deadlocks - 1);
    }
  }
}
