/*
 * However many sockets end at once, and whatever dies meanwhile: each session is closed once, in groups, and no process that lives is
 * taken for dead.
 */
import { eventually } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { closedAtOnce } from './session-closer.js';
import { dead, sessionsLeaseMs as leaseMs, sessionsBench } from './sessions-bench.fixture.js';

const { prepare, clear, errors, start, session, leaveBehind, crowdOf, left, processes, told, watchLeases, schema } = sessionsBench();
beforeEach(prepare);
afterEach(clear);

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
    const { rows } = await schema().query<{ events: string; keys: string }>(
      'SELECT count(*) AS events, count(DISTINCT key) AS keys FROM outbox',
    );
    expect(rows[0]).toEqual({ events: '10000', keys: '5000' });
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
        schema().transaction((tx) =>
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
