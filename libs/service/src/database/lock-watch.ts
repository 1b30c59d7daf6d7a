import pg from 'pg';

interface Waiting {
  relation: string | null;
  pid: number;
  application_name: string;
  state: string;
  seconds: number;
  query: string;
}

const everyMs = 300;

/** Looks, while a connection works, at what it waits for and who holds it: afterwards nobody can tell. */
export class LockWatch {
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #found: string | undefined;

  private constructor(
    private readonly client: pg.Client,
    private readonly pid: number,
  ) {}

  /** @param pid the server process of the connection that is watched. */
  static async start(url: string, pid: number): Promise<LockWatch> {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3000, query_timeout: 5000, keepAlive: true });
    client.on('error', () => undefined);
    await client.connect();
    const watch = new LockWatch(client, pid);
    watch.#lookLater();
    return watch;
  }

  /** What it was last seen waiting for, in words; undefined when it never waited. */
  get found(): string | undefined {
    return this.#found;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#looking;
    clearTimeout(this.#timer);
    await this.client.end();
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
        .catch(() => undefined)
        .then(() => this.#lookLater());
    }, everyMs);
  }

  async #look(): Promise<void> {
    const { rows } = await this.client.query<Waiting>(
      `SELECT (SELECT relation::regclass::text FROM pg_locks WHERE pid = $1 AND NOT granted LIMIT 1) AS relation,
              pid, application_name, state, extract(epoch FROM now() - xact_start)::int AS seconds, left(query, 200) AS query
       FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids($1))`,
      [this.pid],
    );
    if (rows.length === 0) return;
    const holders = rows.map(
      ({ pid, application_name: name, state, seconds, query }) =>
        `process ${pid} (${name || 'no name'}, ${state} for ${seconds} s: ${query})`,
    );
    this.#found = `${rows[0]?.relation ?? 'a lock'} is held by ${holders.join(' and ')}`;
  }
}
