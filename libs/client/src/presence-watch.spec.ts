/*
 * Whoever watches is told where the watched are, each version once and none that is older, for as long as he watches; and the Center
 * is asked for no more than somebody wants.
 */
import type { UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Connection } from './connection.js';
import { PresenceWatch } from './presence-watch.js';
import { StandInCenter } from './stand-in-center.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const alias = (name: string) => name as UserAlias;
const presence = (userAlias: string, version: number) => ({
  userAlias,
  version,
  status: 'online',
  doNotDisturb: false,
  devices: [],
  calls: [],
  lastSeenAt: null,
});

/** A Center that tells where everybody is who is asked about, and a watch of it. */
async function watching() {
  const there = new StandInCenter();
  const versions = new Map<string, number>();
  const now = (userAlias: string) => presence(userAlias, versions.get(userAlias) ?? 1);
  there.onFrame = (socket, { type, id, userAliases }) => {
    if (type === 'watch') socket.tell({ type: 'presences', id, presences: (userAliases as string[]).map(now), unknown: [] });
    else if (type === 'unwatch') socket.tell({ type: 'done', id });
  };
  const connection = new Connection({
    url: 'wss://there',
    webSocket: there.webSocket,
    requestTimeoutMs: 20_000,
    connectFrame: async () => ({ type: 'connect' }) as never,
  });
  const watch = new PresenceWatch(connection);
  connection.open();
  await vi.advanceTimersByTimeAsync(0);
  const framesOf = (type: string) => there.sockets.flatMap(({ sent }) => sent.filter((frame) => frame.type === type));
  const tell = (userAlias: string, version: number) => {
    versions.set(userAlias, Math.max(version, versions.get(userAlias) ?? 1));
    there.socket.tell({ type: 'presence', presence: presence(userAlias, version) });
  };
  return { there, watch, framesOf, tell };
}

const settle = () => vi.advanceTimersByTimeAsync(0);

test('after a reconnect all who are watched are asked about again, no more in a frame than it may name', async () => {
  const { there, watch } = await watching();
  const many = Array.from({ length: 230 }, (_, index) => alias(`user-${index}`));
  for (let from = 0; from < many.length; from += 100) await watch.watch(many.slice(from, from + 100), () => undefined);
  there.socket.breakOff();
  await vi.advanceTimersByTimeAsync(1000);
  const asked = there.socket.sent.filter(({ type }) => type === 'watch').map(({ userAliases }) => userAliases as string[]);
  expect(asked.map(({ length }) => length)).toEqual([100, 100, 30]);
  expect(asked.flat()).toEqual(many);
});

test('a second listener hears what is known at once, and the Center hears of the end when the last one stops', async () => {
  const { watch, framesOf } = await watching();
  const heard: string[] = [];
  const stopFirst = await watch.watch([alias('ann')], () => heard.push('first'));
  const second = watch.watch([alias('ann')], () => heard.push('second'));
  expect(heard).toEqual(['first', 'second']);
  const stopSecond = await second;
  stopFirst();
  stopFirst();
  expect(framesOf('unwatch')).toEqual([]);
  stopSecond();
  expect(framesOf('unwatch')).toMatchObject([{ userAliases: ['ann'] }]);
});

test('a watch that is refused leaves nothing behind', async () => {
  const { there, watch, tell } = await watching();
  there.onFrame = (socket, { type, id }) => {
    if (type === 'watch') socket.tell({ type: 'error', id, error: { code: 'too_many_watched', message: 'no' } });
  };
  const heard: number[] = [];
  await expect(watch.watch([alias('ann')], ({ version }) => heard.push(version))).rejects.toMatchObject({ code: 'too_many_watched' });
  tell('ann', 5);
  there.socket.breakOff();
  await vi.advanceTimersByTimeAsync(1000);
  expect(heard).toEqual([]);
  expect(there.socket.last('watch')).toBeUndefined();
});

const step = fc.oneof(
  fc.record({ what: fc.constantFrom('watch' as const, 'stop' as const), listener: fc.nat(2), who: fc.constantFrom('ann', 'ben') }),
  fc.record({ what: fc.constant('told' as const), who: fc.constantFrom('ann', 'ben'), version: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ what: fc.constant('lost' as const) }),
);

const first = { what: 'watch' as const, listener: 0, who: 'ann' as const };
const told = (version: number) => ({ what: 'told' as const, who: 'ann' as const, version });
/** Two that chance comes to seldom. */
const watchedAgain = [first, { ...first, what: 'stop' as const }, told(5), first];
const toldAnOlderOne = [first, told(5), told(3), { ...first, listener: 1 }];

test('whatever is told and however often, each listener hears a version once, and none that is older than the last', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (story) => {
      vi.useFakeTimers();
      const { there, watch, tell } = await watching();
      const stops = new Map<string, () => void>();
      const heard = new Map<string, number[]>();
      const newest = new Map<string, number>();
      for (const one of story) {
        if (one.what === 'lost') {
          there.socket.breakOff();
          await vi.advanceTimersByTimeAsync(1000);
        } else if (one.what === 'told') {
          tell(one.who, one.version);
          newest.set(one.who, Math.max(one.version, newest.get(one.who) ?? 1));
        } else {
          const key = `${one.listener} ${one.who}`;
          if (one.what === 'stop') {
            stops.get(key)?.();
            stops.delete(key);
            heard.delete(key);
          } else if (!stops.has(key)) {
            const versions: number[] = [];
            heard.set(key, versions);
            stops.set(key, await watch.watch([alias(one.who)], ({ version }) => versions.push(version)));
            expect(versions[0], 'what a new listener hears first').toBe(newest.get(one.who) ?? 1);
          }
        }
        await settle();
      }
      for (const [key, versions] of heard) {
        expect(versions).toEqual([...new Set(versions)].sort((one, other) => one - other));
        expect(versions.at(-1)).toBe(newest.get(key.split(' ')[1] ?? '') ?? 1);
      }
    }),
    { numRuns: 60, examples: [[watchedAgain], [toldAnOlderOne]] },
  );
});

test('who is not to be seen any more is gone for each listener, once; and is news when seen again, whatever the version', async () => {
  const { there, watch, tell } = await watching();
  const heard: string[] = [];
  await watch.watch([alias('ann')], ({ status, version }) => heard.push(`${status} ${version}`));
  tell('ann', 5);
  for (let times = 0; times < 2; times += 1) there.socket.tell({ type: 'unseen', userAliases: ['ann', 'stranger'] });
  tell('ann', 5);
  expect(heard).toEqual(['online 1', 'online 5', 'offline 0', 'online 5']);
});

test('who is not seen any more after a reconnect is gone', async () => {
  const { there, watch } = await watching();
  const heard: string[] = [];
  await watch.watch([alias('ann')], ({ status }) => heard.push(status));
  there.onFrame = (socket, { type, id, userAliases }) => {
    if (type === 'watch') socket.tell({ type: 'presences', id, presences: [], unknown: userAliases });
  };
  there.socket.breakOff();
  await vi.advanceTimersByTimeAsync(1000);
  expect(heard).toEqual(['online', 'offline']);
});
