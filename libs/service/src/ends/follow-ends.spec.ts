/*
 * A door hears of every end once and in order, lets nobody in on what it cannot know, and nobody slips in between: what ended
 * after a credential was looked at, and before its holder was one to be put out, is refused all the same.
 */
import type { AppId, SessionId, UserAlias } from '@communication-center/contracts';
import type { Ended } from '@communication-center/contracts/internal';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ProblemError } from '../problem-error.js';
import type { Endings } from './endings.js';
import { FollowEnds } from './follow-ends.js';

const demo = 'demo' as AppId;
const ann = 'ann' as UserAlias;
const sessionId = '019b7777-0000-7000-8000-00000000aaaa' as SessionId;
const annUpTo = (upTo: number): Ended => ({ what: 'user', appId: demo, userAlias: ann, upTo });
const signedIn = (issuedAt: number, kid = 'first') => ({ appId: demo, userAlias: ann, token: { kid, issuedAt } });

let log: Ended[];
let asked: unknown[];
let isAway: boolean;
let lost: number;
let put: Endings[];
let isWhole: boolean;
let isOld: boolean;
let isNobodyIn: boolean;
let following: FollowEnds;

beforeEach(() => {
  vi.useFakeTimers();
  [log, asked, isAway, lost, put, isWhole, isOld, isNobodyIn] = [[], [], false, 0, [], true, false, false];
  const ask = async (_endpoint: unknown, { query }: { query: { since?: number } }) => {
    asked.push(query);
    if (isOld) throw new ProblemError('not_found');
    if (isAway) throw new Error('away');
    const since = query.since ?? log.length;
    const ended = isWhole ? log.slice(since, since + 2) : [];
    return { upTo: isWhole ? since + ended.length : log.length, isWhole, ended, hasMore: isWhole && since + ended.length < log.length };
  };
  following = new FollowEnds({
    directory: { ask } as never,
    isNobodyIn: () => isNobodyIn,
    onEnded: (endings) => put.push(endings),
    onLost: () => {
      lost += 1;
    },
    onError: () => undefined,
  });
  following.start();
});
afterEach(() => {
  following.stop();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('it asks once a second, from where the last answer stood, and nobody is looked at while nothing ends', async () => {
  await pass(5500);
  expect(asked.length).toBeGreaterThanOrEqual(5);
  expect(asked.length).toBeLessThanOrEqual(7);
  expect([asked[0], asked.at(-1), put]).toEqual([{ seconds: 0 }, { since: 0 }, []]);
});

test('what ends is told within a second or so, all of it and in order, however much at once', async () => {
  await pass(100);
  log.push(annUpTo(1), annUpTo(2), annUpTo(3), annUpTo(4), annUpTo(5));
  await pass(1300);
  expect(put.map((endings) => [2, 4, 5].map((issuedAt) => endings.include(signedIn(issuedAt))))).toEqual([
    [true, false, false],
    [true, true, false],
    [true, true, true],
  ]);
});

test.each<[string, Ended, object, boolean]>([
  ['a secret ends what it signed', { what: 'secret', appId: demo, kid: 'first' }, signedIn(9), true],
  ['a secret ends nothing of another', { what: 'secret', appId: demo, kid: 'second' }, signedIn(9), false],
  ['a secret of another app is another', { what: 'secret', appId: 'shop' as AppId, kid: 'first' }, signedIn(9), false],
  ['tokens end up to a second, and with it', annUpTo(9), signedIn(9), true],
  ['a token of later goes on', annUpTo(8), signedIn(9), false],
  ['a token that does not say when it is from is from before', annUpTo(8), { appId: demo, userAlias: ann }, true],
  ['a key ends', { what: 'key', appId: demo, keyId: 'k' }, { appId: demo, keyId: 'k' }, true],
  ['a session ends', { what: 'session', appId: demo, sessionId }, { ...signedIn(9), sessionId }, true],
  ['another session does not', { what: 'session', appId: demo, sessionId }, { ...signedIn(9), sessionId: 'another' }, false],
  ['the sessions of a user end', { what: 'sessions_of_user', appId: demo, userAlias: ann }, { ...signedIn(9), sessionId }, true],
  ['the sessions of a secret end', { what: 'sessions_of_secret', appId: demo, kid: 'first' }, { ...signedIn(9), sessionId }, true],
  ['those of another secret do not', { what: 'sessions_of_secret', appId: demo, kid: 'second' }, { ...signedIn(9), sessionId }, false],
  ['who is being let in has no session yet', { what: 'sessions_of_user', appId: demo, userAlias: ann }, signedIn(9), false],
  ['an app ends, and with it what its tokens let in', { what: 'app', appId: demo }, signedIn(9), true],
  ['an app ends, and with it what its keys let in', { what: 'app', appId: demo }, { appId: demo, keyId: 'k' }, true],
  ['an app ends, and with it its phone systems', { what: 'app', appId: demo }, { appId: demo, username: 'pbx' }, true],
  ['another app goes on', { what: 'app', appId: 'shop' as AppId }, signedIn(9), false],
  ['an account ends', { what: 'sip_account', appId: demo, username: 'pbx' }, { appId: demo, username: 'pbx' }, true],
])('%s', async (_what, one, letInBy, isOver) => {
  await pass(100);
  log.push(one);
  await pass(1100);
  expect(put.some((endings) => endings.include(letInBy as never))).toBe(isOver);
});

test('who is being let in while that ends is refused; a second later, with a new token, not', async () => {
  await pass(100);
  const mark = await following.mark();
  log.push(annUpTo(7));
  await pass(1100);
  expect(() => following.requireStill(signedIn(7), mark)).toThrow('revoked');
  expect(() => following.requireStill(signedIn(8), mark)).not.toThrow();
  const later = await following.mark();
  expect(() => following.requireStill(signedIn(7), later)).not.toThrow();
  expect(following.hasEnded(signedIn(7))).toBe(true);
});

test('what an app let in before is good again once the app is resumed', async () => {
  await pass(100);
  log.push({ what: 'app', appId: demo });
  await pass(1100);
  expect(following.hasEnded(signedIn(7))).toBe(true);
  log.push({ what: 'app_resumed', appId: demo });
  await pass(1100);
  expect(following.hasEnded(signedIn(7))).toBe(false);
  const mark = await following.mark();
  expect(() => following.requireStill(signedIn(7), mark)).not.toThrow();
});

test('who took longer than is remembered is not let in', async () => {
  await pass(100);
  const mark = await following.mark();
  await pass(61_000);
  expect(() => following.requireStill(signedIn(7), mark)).toThrow('try again');
});

test('while the directory does not answer, nobody is let in after two seconds, and whoever is in stays; then it goes on', async () => {
  await pass(100);
  isAway = true;
  await pass(1500);
  await expect(following.mark()).resolves.toBeDefined();
  await pass(1000);
  const refused = expect(following.mark()).rejects.toMatchObject({ code: 'service_unavailable' });
  await pass(2100);
  await refused;
  expect([lost, put]).toEqual([0, []]);
  log.push(annUpTo(3));
  isAway = false;
  const waiting = following.mark();
  await pass(1100);
  await expect(waiting).resolves.toBeDefined();
  expect(put.map((endings) => endings.include(signedIn(3)))).toEqual([true]);
});

test('beside a directory of the release before, which tells of no ends, devices are let in as ever', async () => {
  isOld = true;
  await pass(5000);
  await expect(following.mark()).resolves.toBeDefined();
  isOld = false;
  await pass(1100);
  log.push(annUpTo(3));
  await pass(1100);
  expect(put.map((endings) => endings.include(signedIn(3)))).toEqual([true]);
});

test('where it cannot be known what has ended, everybody is put out, and who is being let in comes again', async () => {
  await pass(100);
  const mark = await following.mark();
  isWhole = false;
  await pass(1100);
  expect(lost).toBeGreaterThan(0);
  expect(() => following.requireStill(signedIn(9), mark)).toThrow('try again');
});

test('where nobody is in nothing is asked; whoever comes waits until what ended meanwhile is known', async () => {
  isNobodyIn = true;
  await pass(1100);
  const before = asked.length;
  await pass(30_000);
  expect(asked.length).toBe(before);
  log.push(annUpTo(3));
  await expect(following.mark()).resolves.toBeDefined();
  expect([asked.at(-1), put.length, following.hasEnded(signedIn(3))]).toEqual([{ since: 0 }, 1, true]);
});

test('a rest that begins while somebody is being let in ends with that, and what ended meanwhile puts them out', async () => {
  isNobodyIn = true;
  await pass(100);
  const mark = await following.mark();
  await pass(5000);
  log.push(annUpTo(3));
  following.requireStill(signedIn(3), mark);
  isNobodyIn = false;
  await pass(1);
  expect(put.map((endings) => endings.include(signedIn(3)))).toEqual([true]);
});

test('after a rest longer than is remembered it begins anew', async () => {
  isNobodyIn = true;
  await pass(61_500);
  await following.wake();
  expect(asked.at(-1)).toEqual({ seconds: 0 });
});

test('who is woken while the directory is away is kept for less than a second', async () => {
  isNobodyIn = true;
  await pass(5000);
  isAway = true;
  let isAwake = false;
  void following.wake().then(() => {
    isAwake = true;
  });
  await pass(950);
  expect(isAwake).toBe(true);
});
