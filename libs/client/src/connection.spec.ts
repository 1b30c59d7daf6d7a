/*
 * Whatever becomes of sockets and answers, each request ends once, in time, and is sent again only where that is due; and a Center
 * that is away is asked ever more seldom, but never given up.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CenterError } from './center-error.js';
import { Connection, type Request } from './connection.js';
import { dialedFrame, StandInCenter } from './stand-in-center.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const requestTimeoutMs = 20_000;
const profiles = { type: 'profiles', userAliases: ['ann'] } as unknown as Request;
const dial = { type: 'dial', commandId: 'c', callees: ['ann'] } as unknown as Request;
const refusedFor = (code: string) => ({ type: 'error', error: { code, message: code } });

function connecting(there: StandInCenter, connectFrame: () => Promise<object> = async () => ({ type: 'connect' })): Connection {
  const connection = new Connection({
    url: 'wss://there',
    webSocket: there.webSocket,
    requestTimeoutMs,
    connectFrame: connectFrame as never,
  });
  connection.open();
  return connection;
}

/** A Center whose sockets break before they connect. */
function awayCenter(): StandInCenter {
  const there = new StandInCenter();
  there.onConnect = (socket) => socket.breakOff();
  return there;
}

/** @returns when each socket was opened, in ms, for as long as that. */
async function openings(there: StandInCenter, forMs: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < forMs; at += 50) {
    while (times.length < there.sockets.length) times.push(at);
    await vi.advanceTimersByTimeAsync(50);
  }
  return times;
}

const pausesOf = (times: number[]) => times.slice(1).map((time, index) => time - (times[index] ?? 0));

test('a Center that is away is asked ever more seldom, but every few seconds for ever', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const there = awayCenter();
  connecting(there);
  const pauses = pausesOf(await openings(there, 120_000));
  expect(pauses.slice(0, 6)).toEqual([...pauses.slice(0, 6)].sort((one, other) => one - other));
  expect(pauses[0]).toBeLessThan(500);
  expect(pauses.length).toBeGreaterThan(20);
  for (const pause of pauses.slice(8)) expect(Math.abs(pause - 5000)).toBeLessThanOrEqual(100);
});

test('two clients that lost the same Center do not come back at the same moments', async () => {
  const random = vi.spyOn(Math, 'random');
  const atChance = async (chance: number) => {
    random.mockReturnValue(chance);
    const there = awayCenter();
    const connection = connecting(there);
    const times = await openings(there, 30_000);
    connection.close();
    return pausesOf(times).at(-1) ?? 0;
  };
  expect(await atChance(0.99)).toBeGreaterThan(2 * (await atChance(0.01)));
});

test('once connected, the next loss is taken as the first', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const there = awayCenter();
  const connection = connecting(there);
  await vi.advanceTimersByTimeAsync(60_000);
  there.onConnect = (socket) => socket.tell({ type: 'connected', ...there.connectedFields() });
  await vi.advanceTimersByTimeAsync(8000);
  expect(connection.state).toBe('connected');
  const before = there.sockets.length;
  there.socket.breakOff();
  await vi.advanceTimersByTimeAsync(500);
  expect(there.sockets).toHaveLength(before + 1);
});

test('a token that cannot be had now is asked for again; one that will never be had ends it', async () => {
  const there = new StandInCenter();
  let fails: Error | undefined = new Error('offline');
  const refusals: string[] = [];
  const connection = connecting(there, async () => {
    if (fails) throw fails;
    return { type: 'connect' };
  });
  connection.on('refused', ({ code }) => refusals.push(code));
  await vi.advanceTimersByTimeAsync(10_000);
  expect([there.sockets.length, connection.state]).toEqual([0, 'reconnecting']);
  fails = undefined;
  await vi.advanceTimersByTimeAsync(8000);
  expect(connection.state).toBe('connected');
  fails = new CenterError('unauthenticated', 'this user is gone');
  there.socket.breakOff();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([refusals, connection.state, there.sockets.length]).toEqual([['unauthenticated'], 'closed', 1]);
});

test('an answer to what nobody asked, or to what was answered, changes nothing', async () => {
  const there = new StandInCenter();
  const connection = connecting(there);
  await vi.advanceTimersByTimeAsync(0);
  const asked = connection.request(profiles);
  const { id } = there.socket.last('profiles') ?? {};
  there.socket.tell({ type: 'profiles', id: 'another', profiles: [] });
  there.socket.tell({ type: 'profiles', id, profiles: [] });
  there.socket.tell({ id, ...refusedFor('forbidden') });
  await expect(asked).resolves.toMatchObject({ type: 'profiles', id });
  expect(connection.state).toBe('connected');
});

test('a request that was taken back before it was made is never sent', async () => {
  const there = new StandInCenter();
  const connection = connecting(there);
  await vi.advanceTimersByTimeAsync(0);
  await expect(connection.request(dial, { givenUp: AbortSignal.abort() })).rejects.toMatchObject({ code: 'dial_cancelled' });
  there.socket.breakOff();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(there.sockets.flatMap(({ sent }) => sent.filter(({ type }) => type === 'dial'))).toEqual([]);
});

test('closing signs out, and what is still said afterwards is not heard', async () => {
  const there = new StandInCenter();
  const connection = connecting(there);
  const heard: string[] = [];
  connection.on('event', ({ type }) => heard.push(type));
  await vi.advanceTimersByTimeAsync(0);
  const { socket } = there;
  connection.close();
  connection.close();
  socket.tell(dialedFrame());
  socket.breakOff();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(socket.sent.filter(({ type }) => type === 'sign_out')).toHaveLength(1);
  expect([heard, there.sockets.length, connection.state]).toEqual([[], 1, 'closed']);
});

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ what: fc.constant('time' as const), ms: fc.integer({ min: 1, max: 4000 }) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constantFrom('ask' as const, 'dial' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constantFrom('answer' as const, 'unavailable' as const, 'refuse' as const), nth: fc.nat(9) }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('break' as const, 'drain' as const, 'renew' as const) }) },
);

/** One that chance comes to seldom: the next socket was sent it already when its pause is over. */
const refusedAndLost = [{ what: 'ask' as const }, { what: 'unavailable' as const, nth: 0 }, { what: 'break' as const }];

test('each request ends once, within its time, under one id, and is sent once a socket unless a refusal passed', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (story) => {
      vi.useFakeTimers();
      const there = new StandInCenter();
      const connection = connecting(there);
      await vi.advanceTimersByTimeAsync(0);
      const asked: { at: number; ended: number[] }[] = [];
      const passed = new Map<string, number>();
      const ask = (request: Request) => {
        const one = { at: Date.now(), ended: [] as number[] };
        asked.push(one);
        const end = () => void one.ended.push(Date.now());
        connection.request(request).then(end, end);
      };
      const answers = {
        answer: (id: unknown) => ({ type: 'profiles', id, profiles: [] }),
        unavailable: (id: unknown) => ({ id, ...refusedFor('service_unavailable') }),
        refuse: (id: unknown) => ({ id, ...refusedFor('forbidden') }),
      };
      for (const one of story) {
        if (one.what === 'time') await vi.advanceTimersByTimeAsync(one.ms);
        else if (one.what === 'ask') ask(profiles);
        else if (one.what === 'dial') ask(dial);
        else if (one.what === 'break') there.socket.breakOff();
        else if (one.what === 'drain') there.socket.tell({ type: 'draining' });
        else if (one.what === 'renew') connection.renew();
        else {
          const { socket } = there;
          const requests = socket.sent.filter(({ id, type }) => id !== undefined && type !== 'connect');
          const picked = requests[one.nth % requests.length];
          if (!picked) continue;
          if (one.what === 'unavailable') {
            const key = `${there.sockets.length} ${picked.id}`;
            passed.set(key, (passed.get(key) ?? 0) + 1);
          }
          socket.tell(answers[one.what](picked.id));
        }
        await vi.advanceTimersByTimeAsync(0);
      }
      await vi.advanceTimersByTimeAsync(requestTimeoutMs + 1);
      for (const { at, ended } of asked) {
        expect(ended).toHaveLength(1);
        expect((ended[0] ?? 0) - at).toBeLessThanOrEqual(requestTimeoutMs);
      }
      there.sockets.forEach(({ sent }, index) => {
        const times = Map.groupBy(
          sent.filter(({ type }) => type === 'profiles' || type === 'dial'),
          ({ id }) => String(id),
        );
        for (const [id, frames] of times) expect(frames.length).toBeLessThanOrEqual(1 + (passed.get(`${index + 1} ${id}`) ?? 0));
      });
      const types = new Map<unknown, Set<string>>();
      for (const { id, type } of there.sockets.flatMap(({ sent }) => sent)) {
        if (id !== undefined) types.set(id, (types.get(id) ?? new Set()).add(type));
      }
      for (const seen of types.values()) expect(seen.size, 'an id names one request').toBe(1);
      connection.close();
    }),
    { numRuns: 60, examples: [[refusedAndLost]] },
  );
});
