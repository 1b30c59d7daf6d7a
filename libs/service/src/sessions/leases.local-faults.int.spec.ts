/* A process that lives keeps its lease whatever it is busy with, and one whose lease others ended hears of it. */
import { eventually, holds } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sessionsLeaseMs as leaseMs, sessionsBench } from './sessions-bench.fixture.js';

const { prepare, clear, errors, start, idOf, session, leaveBehind, left, processes, told, schema, lastId } = sessionsBench();
beforeEach(prepare);
afterEach(clear);

describe('a lease', () => {
  test('is renewed though every connection of the pool is taken, and though closing hangs', async () => {
    let goOn: () => void = () => undefined;
    const hanging = new Promise<void>((resolve) => (goOn = resolve));
    const { sessions, expelled } = await start(({ closes }) => {
      closes.before = (text) => (text.startsWith('DELETE') ? hanging : undefined);
    });
    await sessions.open(session('alice'));
    sessions.close(idOf(lastId()), 'left');
    const taken = Promise.all(Array.from({ length: 30 }, () => schema().query('SELECT pg_sleep(1)')));
    const own = await schema().connect();
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
    await schema().query(
      `CREATE FUNCTION good_for_after(seconds float8) RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN
         PERFORM pg_sleep(seconds);
         RETURN (SELECT extract(epoch FROM min(expires_at) - clock_timestamp()) * 1000 FROM processes);
       END $$`,
    );
    const own = await schema().connect();
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
    await schema().query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%processes%' AND application_name = $1 AND pid <> pg_backend_pid()",
      [schema().schema],
    );
    await holds('the process being the same', async () => (await processes())[0]?.id === mine?.id, 2 * leaseMs);
    expect(expelled()).toBe(0);
    const { rows } = await schema().query<{ good: boolean }>('SELECT expires_at > now() AS good FROM processes');
    expect(rows).toEqual([{ good: true }]);
  });

  test('that others ended is not taken back: its process hears of it, and goes on as another', async () => {
    const { sessions, expelled } = await start();
    const mine = session('alice');
    await sessions.open(mine);
    const [before] = await processes();
    await schema().query(`UPDATE processes SET expires_at = '-infinity'`);
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
        const connection = await schema().connect();
        opened.push(connection);
        return connection;
      };
    });
    // Long enough to have seen others renew.
    await holds('living', () => expelled() === 0, 1.5 * leaseMs);
    away = true;
    await Promise.all(opened.map((one) => one.end()));
    await eventually('its lease being late', async () => {
      const { rows } = await schema().query<{ late: boolean }>("SELECT expires_at < now() + interval '300 ms' AS late FROM processes");
      return rows[0]?.late;
    });
    await leaveBehind(10);
    away = false;
    const { rows } = await schema().query<{ at: Date }>('SELECT clock_timestamp() AS at');
    await eventually('the sessions being closed', async () => (await left()) === 0);
    const closed = await schema().query<{ after: number }>(
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
    await schema().query(`UPDATE processes SET expires_at = '-infinity'`);
    // The event loop stands still, as in a frozen process.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1.5 * leaseMs);
    expect(expelled()).toBe(0);
    await sessions.assured();
    expect(expelled()).toBe(1);
  });
});
