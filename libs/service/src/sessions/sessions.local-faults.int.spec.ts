/*
 * However many sockets end at once, and whatever dies meanwhile: each session is closed once, in groups, and no process that lives is
 * taken for dead.
 */
import type { AppId, SessionId } from '@communication-center/contracts';
import { type Database, eventLogTables, outboxFunctions, outboxTables, type Sql } from '@communication-center/event-log';
import { eventually, Fleet, holds, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closedAtOnce } from './session-closer.js';
import { SocketSessions } from './socket-sessions.js';
import { socketSessionChanges, socketSessionTables } from './tables.js';

type Reason = 'left' | 'lost' | 'drained';
type Sessions = SocketSessions<{ name: string }, Reason>;

const fleet = new Fleet();
const leaseMs = 2000;
const started: Sessions[] = [];
let schema: TestSchema;
let errors: string[];
let nextId = 0;

beforeEach(async () => {
  errors = [];
  schema = await TestSchema.make(fleet, [
    ...eventLogTables,
    ...outboxTables,
    ...outboxFunctions,
    ...socketSessionTables,
    socketSessionChanges,
  ]);
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((sessions) => sessions.stop('drained')));
  await schema.drop();
});

/** A database that counts what is asked of it, and whose answers can be held back or refused. */
class Watched implements Database {
  transactions = 0;
  atOnce = 0;
  mostAtOnce = 0;
  statements: string[] = [];
  /** Called before each statement. */
  before: (text: string) => Promise<void> | void = () => undefined;
  readonly #of = schema;
  readonly schema = schema.schema;
  connects = () => this.#of.connect();

  async query<R>(text: string, values?: unknown[]) {
    this.statements.push(text);
    await this.before(text);
    return this.#of.query<R>(text, values);
  }

  async transaction<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    this.transactions += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    try {
      return await this.#of.transaction((tx) =>
        work({
          query: async <R>(text: string, values?: unknown[]) => {
            this.statements.push(text);
            await this.before(text);
            return tx.query<R>(text, values);
          },
        }),
      );
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

async function start(prepare: (made: Pick<Made, 'opens' | 'closes'>) => void = () => undefined, lease = leaseMs): Promise<Made> {
  const [opens, closes] = [new Watched(), new Watched()];
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
const dead = { id: '00000000-0000-4000-8000-00000000dead' };

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

/** 20,000 in npm run check:long. */
const crowd = Number(process.env.SESSIONS_CROWD ?? 5000);
const groups = crowd / closedAtOnce;

describe('a crowd', () => {
  test('of a dead process is closed in groups, each told once, while the sweeper renews its own lease', async () => {
    await leaveBehind(crowd);
    const { closes, expelled } = await start();
    const least = watchLeases();
    await eventually('all being closed', async () => (await left()) === 0, 20_000);
    await eventually('the dead being forgotten', async () => (await processes()).every(({ id }) => id !== dead.id));
    expect(await least()).toBeGreaterThan(leaseMs / 4);
    expect(expelled()).toBe(0);
    // One to delete a group, one to tell of it; in the end one group that is empty, and the process.
    expect(closes.transactions).toBeLessThanOrEqual(groups + 2);
    expect(closes.statements.filter((text) => /^\s*(DELETE|INSERT)/.test(text)).length).toBeLessThanOrEqual(2 * groups + 2);
    const all = await told();
    expect(all.size).toBe(crowd);
    expect(new Set([...all.values()].map((one) => one.join()))).toEqual(new Set(['closed 2 lost,-']));
  });

  test('of a process that stops is closed in groups, while it renews', async () => {
    const { sessions, closes } = await start();
    await crowdOf(crowd);
    const least = watchLeases();
    await sessions.stop('drained');
    expect(await least()).toBeGreaterThan(leaseMs / 4);
    expect([await left(), await processes()]).toEqual([0, []]);
    expect(closes.transactions).toBeLessThanOrEqual(groups + 2);
    const all = await told();
    expect([all.size, new Set([...all.values()].map((one) => one.join()))]).toEqual([crowd, new Set(['closed 2 drained,-'])]);
  });

  test('that leaves at once is closed in few transactions, one at a time', async () => {
    const { sessions, closes } = await start();
    const crowd = Array.from({ length: 600 }, (_, index) => session(`user-${index}`));
    await Promise.all(crowd.map((one) => sessions.open(one)));
    const before = closes.transactions;
    for (const { sessionId } of crowd) sessions.close(sessionId, 'left');
    await eventually('all being closed', async () => (await left()) === 0);
    expect(closes.transactions - before).toBeLessThanOrEqual(3);
    expect(closes.mostAtOnce).toBe(1);
    expect(new Set([...(await told()).values()].map((one) => one.join()))).toEqual(new Set(['opened 1,closed 2 left,-']));
  });

  test('is shared by two that sweep, and closed once', async () => {
    await leaveBehind(crowd);
    // Neither goes on with its first group before the other has one.
    const met = Promise.withResolvers<void>();
    const there = new Set<object>();
    const meet = ({ closes }: Pick<Made, 'closes'>) => {
      closes.before = (text) => {
        if (!text.includes('put_into_outbox')) return undefined;
        if (there.add(closes).size === 2) met.resolve();
        return met.promise;
      };
    };
    const [one, other] = await Promise.all([start(meet), start(meet)]);
    await eventually('all being closed', async () => (await left()) === 0, 20_000);
    await eventually('the dead being forgotten', async () => (await processes()).every(({ id }) => id !== dead.id));
    const all = await told();
    expect([all.size, new Set([...all.values()].map((told) => told.join()))]).toEqual([crowd, new Set(['closed 2 lost,-'])]);
    const groupsOf = ({ closes }: Made) => closes.statements.filter((text) => text.includes('put_into_outbox')).length;
    expect(Math.min(groupsOf(one), groupsOf(other)), 'each has its share').toBeGreaterThan(0);
    expect([one.expelled(), other.expelled()]).toEqual([0, 0]);
  });

  test('is closed to its end by the next sweep when one fails half way', async () => {
    await leaveBehind(5000);
    let told = 0;
    await start(({ closes }) => {
      closes.before = (text) => {
        if (text.includes('put_into_outbox') && ++told === 3) throw new Error('half way');
      };
    });
    await eventually('all being closed', async () => (await left()) === 0, 20_000);
    expect(errors).toEqual(['sweeping for sessions of dead processes: Error: half way']);
    const { rows } = await schema.query<{ events: string; keys: string }>(
      'SELECT count(*) AS events, count(DISTINCT key) AS keys FROM outbox',
    );
    expect(rows[0]).toEqual({ events: '10000', keys: '5000' });
  });
});

describe('a lease', () => {
  test('is renewed though every connection of the pool is taken, and though closing hangs', async () => {
    let goOn: () => void = () => undefined;
    const hanging = new Promise<void>((resolve) => (goOn = resolve));
    const { sessions, expelled } = await start(({ closes }) => {
      closes.before = (text) => (text.startsWith('DELETE') ? hanging : undefined);
    });
    await sessions.open(session('alice'));
    sessions.close(idOf(nextId), 'left');
    const taken = Promise.all(Array.from({ length: 30 }, () => schema.query('SELECT pg_sleep(1)')));
    const own = await schema.connect();
    const leastLeft = async () =>
      (await own.query<{ left: number }>('SELECT extract(epoch FROM min(expires_at) - clock_timestamp())::float8 AS left FROM processes'))
        .rows[0]?.left ?? 0;
    await holds('the lease', async () => (await leastLeft()) > 0.2, 2 * leaseMs);
    goOn();
    await Promise.all([taken, own.end()]);
    expect(expelled()).toBe(0);
  });

  test('is renewed though a crowd leaves for so long that no timer fires', async () => {
    const longer = 3000;
    await schema.query(
      `CREATE FUNCTION good_for_after(seconds float8) RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN
         PERFORM pg_sleep(seconds);
         RETURN (SELECT extract(epoch FROM min(expires_at) - clock_timestamp()) * 1000 FROM processes);
       END $$`,
    );
    const own = await schema.connect();
    const { sessions, expelled } = await start(undefined, longer);
    // PostgreSQL looks at it, since this process cannot.
    const goodFor = own.query<{ left: number }>('SELECT good_for_after($1) AS left', [(1.1 * longer) / 1000]);
    await new Promise(setImmediate);
    const until = performance.now() + 1.2 * longer;
    while (performance.now() < until) {
      sessions.close(idOf(0), 'left');
      // Another callback of the same turn of the event loop.
      await new Promise(process.nextTick);
    }
    expect((await goodFor).rows[0]?.left).toBeGreaterThan(0);
    await holds('nobody being expelled', () => expelled() === 0, leaseMs / 2);
    expect(errors).toEqual([]);
    await own.end();
  });

  test('goes on when its connection is lost, or hangs', async () => {
    const { expelled } = await start();
    const [mine] = await processes();
    await schema.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%processes%' AND application_name = $1 AND pid <> pg_backend_pid()",
      [schema.schema],
    );
    await holds('the process being the same', async () => (await processes())[0]?.id === mine?.id, 2 * leaseMs);
    expect(expelled()).toBe(0);
    const { rows } = await schema.query<{ good: boolean }>('SELECT expires_at > now() AS good FROM processes');
    expect(rows).toEqual([{ good: true }]);
  });

  test('that others ended is not taken back: its process hears of it, and goes on as another', async () => {
    const { sessions, expelled } = await start();
    const mine = session('alice');
    await sessions.open(mine);
    const [before] = await processes();
    await schema.query(`UPDATE processes SET expires_at = '-infinity'`);
    await expect(sessions.open(session('bob'))).rejects.toMatchObject({ code: 'service_unavailable' });
    await eventually('hearing of it', () => expelled() === 1);
    await eventually('its sessions being closed', async () => (await left()) === 0);
    await eventually('another name', async () => (await processes()).every(({ id }) => id !== before?.id));
    expect((await told()).get(mine.sessionId)).toEqual(['opened 1', 'closed 2 lost', '-']);
    await sessions.open(session('bob'));
    expect(await left()).toBe(1);
  });

  test('that ran out is not judged by a process that was late itself, until all had time to renew theirs', async () => {
    let away = false;
    const opened: { end(): Promise<void> }[] = [];
    const { expelled } = await start(({ opens }) => {
      opens.connects = async () => {
        if (away) throw new Error('away');
        const connection = await schema.connect();
        opened.push(connection);
        return connection;
      };
    });
    // Long enough to have seen others renew.
    await holds('living', () => expelled() === 0, 1.5 * leaseMs);
    away = true;
    await Promise.all(opened.map((one) => one.end()));
    await eventually('its lease being late', async () => {
      const { rows } = await schema.query<{ late: boolean }>("SELECT expires_at < now() + interval '300 ms' AS late FROM processes");
      return rows[0]?.late;
    });
    await leaveBehind(10);
    away = false;
    const { rows } = await schema.query<{ at: Date }>('SELECT clock_timestamp() AS at');
    await eventually('the sessions being closed', async () => (await left()) === 0);
    const closed = await schema.query<{ after: number }>(
      'SELECT extract(epoch FROM min(created_at) - $1)::float8 * 1000 AS after FROM outbox',
      [rows[0]?.at],
    );
    expect(closed.rows[0]?.after).toBeGreaterThan(leaseMs * 0.9);
    expect(expelled()).toBe(0);
  });

  test('is asked about before anything is served by a process that stood still', async () => {
    const { sessions, expelled } = await start();
    const now = performance.now();
    await sessions.assured();
    expect(performance.now() - now, 'no question while it goes on').toBeLessThan(50);
    await schema.query(`UPDATE processes SET expires_at = '-infinity'`);
    // The event loop stands still, as in a frozen process.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1.5 * leaseMs);
    expect(expelled()).toBe(0);
    await sessions.assured();
    expect(expelled()).toBe(1);
  });
});

describe('a close', () => {
  test('that comes while its session is being opened waits for it', async () => {
    let goOn: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const { sessions } = await start(({ opens }) => {
      opens.before = (text) => (text.includes('put_into_outbox') ? held : undefined);
    });
    const mine = session('alice');
    const opening = sessions.open(mine);
    sessions.close(mine.sessionId, 'left');
    goOn();
    await opening;
    await eventually('the session being closed', async () => (await told()).get(mine.sessionId)?.length === 3);
    expect((await told()).get(mine.sessionId)).toEqual(['opened 1', 'closed 2 left', '-']);
    expect(await left()).toBe(0);
  });

  test('of a session whose commit got no answer is made all the same', async () => {
    let lose = true;
    const { sessions } = await start(({ opens }) => {
      const transaction = opens.transaction.bind(opens);
      opens.transaction = async (work) => {
        const done = await transaction(work);
        if (lose) throw new Error('connection lost');
        return done;
      };
    });
    const mine = session('alice');
    await expect(sessions.open(mine)).rejects.toThrow('connection lost');
    lose = false;
    sessions.close(mine.sessionId, 'left');
    await eventually('the session being closed', async () => (await left()) === 0);
    expect((await told()).get(mine.sessionId)).toEqual(['opened 1', 'closed 2 left', '-']);
  });

  test('waits while PostgreSQL is away, is not hurried by those behind it, and is made when it is back', async () => {
    let away = false;
    const { sessions, closes } = await start((made) => {
      made.closes.before = () => {
        if (away) throw new Error('away');
      };
    });
    const crowd = Array.from({ length: 200 }, (_, index) => session(`user-${index}`));
    for (const one of crowd) await sessions.open(one);
    away = true;
    const before = closes.transactions;
    for (const { sessionId } of crowd) {
      sessions.close(sessionId, 'left');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const tries = closes.transactions - before;
    expect(tries).toBeGreaterThan(0);
    expect(tries).toBeLessThanOrEqual(8);
    away = false;
    await eventually('all being closed', async () => (await left()) === 0);
  });

  test('that always fails does so alone', async () => {
    const [bad, good] = [session('bad'), session('good')];
    const { sessions } = await start(({ closes }) => {
      closes.transaction = async (work) =>
        schema.transaction((tx) =>
          work({
            query: async <R>(text: string, values?: unknown[]) => {
              if (JSON.stringify(values ?? []).includes(bad.sessionId)) throw new Error('never');
              return tx.query<R>(text, values);
            },
          }),
        );
    });
    for (const one of [bad, good]) await sessions.open(one);
    for (const { sessionId } of [bad, good]) sessions.close(sessionId, 'left');
    await eventually('the other being closed', async () => (await told()).get(good.sessionId)?.length === 3);
    expect((await told()).get(bad.sessionId)).toEqual(['opened 1']);
  });

  test('follows the changes of its session, and counts on', async () => {
    const { sessions } = await start();
    const mine = session('alice');
    await sessions.open(mine);
    await sessions.change({ ...mine, about: { name: 'alice, away' } });
    sessions.close(mine.sessionId, 'left');
    sessions.close(mine.sessionId, 'lost');
    await eventually('the session being closed', async () => (await left()) === 0);
    await sessions.change({ ...mine, about: { name: 'late' } });
    expect((await told()).get(mine.sessionId)).toEqual(['opened 1', 'changed 2', 'closed 3 left', '-']);
  });
});
