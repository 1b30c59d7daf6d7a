import type { AppId, SessionId } from '@communication-center/contracts';
import { type Database, eventLogTables, outboxFunctions, outboxTables, type Transaction } from '@communication-center/event-log';
import { Fleet, TestSchema } from '@communication-center/testing';
import { SocketSessions } from './socket-sessions.js';
import { socketSessionChanges, socketSessionTables } from './tables.js';

type Reason = 'left' | 'lost' | 'drained';
type Sessions = SocketSessions<{ name: string }, Reason>;

export const sessionsLeaseMs = 2000;
/** A process that is long gone. */
export const dead = { id: '00000000-0000-4000-8000-00000000dead' };

/** A database that counts what is asked of it, and whose answers can be held back or refused. */
class Watched implements Database {
  constructor(private readonly of: TestSchema) {}

  transactions = 0;
  atOnce = 0;
  mostAtOnce = 0;
  statements: string[] = [];
  /** Called before each statement. */
  before: (text: string) => Promise<void> | void = () => undefined;
  connects = () => this.of.connect();

  get schema(): string {
    return this.of.schema;
  }

  async query<R>(text: string, values?: unknown[]) {
    this.statements.push(text);
    await this.before(text);
    return this.of.query<R>(text, values);
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    this.transactions += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    try {
      return await this.of.transaction((tx) => {
        const query = async <R>(text: string, values?: unknown[]) => {
          this.statements.push(text);
          await this.before(text);
          return tx.query<R>(text, values);
        };
        return work({ query, last: query, alone: query });
      });
    } finally {
      this.atOnce -= 1;
    }
  }

  connect() {
    return this.connects();
  }
}

interface Made {
  sessions: Sessions;
  opens: Watched;
  closes: Watched;
  expelled: () => number;
}

/** Sessions of processes on a schema of their own, made anew for each test. */
export function sessionsBench() {
  const fleet = new Fleet();
  const started: Sessions[] = [];
  const errors: string[] = [];
  let schema: TestSchema;
  let nextId = 0;

  /** Before each test. */
  const prepare = async () => {
    errors.length = 0;
    schema = await TestSchema.make(fleet, [
      ...eventLogTables,
      ...outboxTables,
      ...outboxFunctions,
      ...socketSessionTables,
      socketSessionChanges,
    ]);
  };

  /** After each test. */
  const clear = async () => {
    await Promise.all(started.splice(0).map((sessions) => sessions.stop('drained')));
    await schema.drop();
  };

  async function start(prepare: (made: Pick<Made, 'opens' | 'closes'>) => void = () => undefined, lease = sessionsLeaseMs): Promise<Made> {
    const [opens, closes] = [new Watched(schema), new Watched(schema)];
    prepare({ opens, closes });
    let expelled = 0;
    const sessions: Sessions = new SocketSessions<{ name: string }, Reason>({
      database: opens,
      closeOn: closes,
      relay: { committed: () => undefined, publishingAfter: (work) => work() },
      topic: 'sessions.events',
      leaseMs: lease,
      lostReason: 'lost',
      tell: ({ about }, what) => ({
        type: typeof what === 'string' ? `session.${what}` : 'session.closed',
        source: '/test',
        data: { ...about, ...(typeof what === 'object' && { reason: what.closed }) },
      }),
      onExpelled: () => (expelled += 1),
      onError: (error, doing) => void errors.push(`${doing}: ${error}`),
    });
    await sessions.start();
    started.push(sessions);
    return { sessions, opens, closes, expelled: () => expelled };
  }

  const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}` as SessionId;
  const session = (name: string) => ({ sessionId: idOf(++nextId), appId: 'app' as AppId, about: { name } });

  /** Makes sessions of a process that died. */
  async function leaveBehind(count: number): Promise<void> {
    await schema.query("INSERT INTO processes VALUES ('00000000-0000-4000-8000-00000000dead', now() - interval '1 second')");
    await schema.query(
      `INSERT INTO sessions (session_id, process_id, app_id, about)
       SELECT ('00000000-0000-4000-9000-' || lpad(number::text, 12, '0'))::uuid, '00000000-0000-4000-8000-00000000dead', 'app', '{"name":"crowd"}'
       FROM generate_series(1, $1) AS number`,
      [count],
    );
  }

  /** Gives a process so many sessions more, without a word to anybody. */
  async function crowdOf(count: number): Promise<void> {
    await schema.query(
      `INSERT INTO sessions (session_id, process_id, app_id, about)
       SELECT ('00000000-0000-4000-9000-' || lpad(number::text, 12, '0'))::uuid, (SELECT process_id FROM processes), 'app', '{"name":"crowd"}'
       FROM generate_series(1, $1) AS number`,
      [count],
    );
  }

  const left = async () => Number((await schema.query<{ count: string }>('SELECT count(*) FROM sessions')).rows[0]?.count);
  const processes = async () => (await schema.query<{ id: string }>('SELECT process_id::text AS id FROM processes ORDER BY 1')).rows;

  /** What was told of each session, in the order of the log: `closed 2 lost` and the like; `-` for a tombstone. */
  async function told(): Promise<Map<string, string[]>> {
    const { rows } = await schema.query<{ key: string; told: string }>(
      `SELECT key, CASE WHEN event IS NULL THEN '-' ELSE
         concat_ws(' ', replace(event->>'type', 'session.', ''), event->>'sequence', event->'data'->>'reason') END AS told
       FROM outbox ORDER BY id`,
    );
    return new Map([...Map.groupBy(rows, ({ key }) => key)].map(([key, of]) => [key, of.map((row) => row.told)]));
  }

  /** Watches how long the lease of everybody but the dead is still good for, until it is told to stop. */
  function watchLeases(): () => Promise<number> {
    let least = Number.POSITIVE_INFINITY;
    let over = false;
    const watching = (async () => {
      while (!over) {
        const { rows } = await schema.query<{ left: number }>(
          'SELECT extract(epoch FROM min(expires_at) - clock_timestamp())::float8 * 1000 AS left FROM processes WHERE process_id <> $1',
          [dead.id],
        );
        if (typeof rows[0]?.left === 'number') least = Math.min(least, rows[0].left);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    return async () => {
      over = true;
      await watching;
      return least;
    };
  }

  return {
    prepare,
    clear,
    errors,
    start,
    idOf,
    session,
    leaveBehind,
    crowdOf,
    left,
    processes,
    told,
    watchLeases,
    /** The number of the session made last. */
    lastId: () => nextId,
    schema: () => schema,
  };
}
