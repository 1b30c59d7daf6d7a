/*
 * A stream, or a socket of a service, ends with the credential that let it in: when that is revoked, and when it expires.
 */
import type { AppId, Subject, UserAlias } from '@communication-center/contracts';
import type { Ended } from '@communication-center/contracts/internal';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CredentialEnds } from './credential-ends.js';
import type { Services } from './services.js';

const appId = 'demo' as AppId;
const key: Subject = { kind: 'key', appId, keyId: 'k', scopes: [] };
const ann: Subject = { kind: 'user', appId, userAlias: 'ann' as UserAlias, token: { kid: 'first', issuedAt: 100, expiresAt: 200 } };
let log: Ended[];
let isWhole: boolean;
let ends: CredentialEnds;

beforeEach(() => {
  vi.useFakeTimers({ now: 150_000 });
  [log, isWhole] = [[], true];
  const ask = async (_endpoint: unknown, { query: { since = 0 } }: { query: { since?: number } }) => ({
    upTo: log.length,
    isWhole,
    ended: log.slice(since),
    hasMore: false,
  });
  ends = new CredentialEnds({ directory: { ask } } as unknown as Services, () => undefined);
  ends.onModuleInit();
});
afterEach(() => {
  ends.beforeApplicationShutdown();
  vi.useRealTimers();
});

/** Holds what each let in. @returns whose has ended by now. */
async function held(...subjects: Subject[]) {
  const over: string[] = [];
  const mark = await ends.mark();
  const letGo = subjects.map((subject) => ends.hold(subject, mark, () => over.push(subject.kind)));
  return { over, letGo };
}

test('what a key let in ends with the key, and nothing else does', async () => {
  const { over } = await held(key, ann, { kind: 'operator' });
  log.push({ what: 'key', appId, keyId: 'k' });
  await vi.advanceTimersByTimeAsync(1100);
  expect(over).toEqual(['key']);
});

test('what a token let in ends when that expires', async () => {
  const { over } = await held(key, ann);
  await vi.advanceTimersByTimeAsync(49_000);
  expect(over).toEqual([]);
  await vi.advanceTimersByTimeAsync(1500);
  expect(over).toEqual(['user']);
});

test('what is let go is not ended', async () => {
  const { over, letGo } = await held(key, ann);
  for (const go of letGo) go();
  log.push({ what: 'key', appId, keyId: 'k' });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(over).toEqual([]);
});

test('where nobody can say what has ended, all of it does, and every door hears so', async () => {
  const { over } = await held(key, ann);
  const doors: string[] = [];
  ends.include({ endedFor: () => doors.push('some'), endedForAll: () => doors.push('all') });
  await vi.advanceTimersByTimeAsync(1100);
  isWhole = false;
  await vi.advanceTimersByTimeAsync(1100);
  expect([over, doors[0]]).toEqual([['key', 'user'], 'all']);
});
