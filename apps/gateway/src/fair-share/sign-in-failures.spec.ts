/*
 * However many wrong tokens come, those that are looked at are few; whoever came with a good one goes on coming; and nobody is locked out
 * from elsewhere.
 */

import { signInFailureLimits } from '@communication-center/contracts';
import { ProblemError } from '@communication-center/service';
import { type FairShare, SharedBuckets } from '@communication-center/service/fair-share';
import { beforeEach, expect, test } from 'vitest';
import { SignInFailures } from './sign-in-failures.js';

let failures: SignInFailures;
let looks: number;

beforeEach(() => {
  looks = 0;
  const { perSecond, burst } = signInFailureLimits.address;
  failures = new SignInFailures(
    {
      buckets: new SharedBuckets(
        undefined,
        () => undefined,
        () => 0,
      ),
    } as FairShare,
    { SIGN_IN_FAILURES_PER_SECOND: perSecond, SIGN_IN_FAILURE_BURST: burst },
  );
});

async function tried(credential: string, { address = '192.0.2.1', claims }: { address?: string; claims?: string } = {}): Promise<string> {
  const look = async () => {
    looks += 1;
    if (credential !== 'good') throw new ProblemError(credential === 'away' ? 'service_unavailable' : 'unauthenticated');
    return 'let in';
  };
  return failures.watch({ credential, address, claims }, look).catch((error: ProblemError) => error.code);
}

test('of many wrong tokens as many are looked at as may fail, and the rest cost nothing', async () => {
  const outcomes: string[] = [];
  for (let n = 0; n < 5000; n += 1) outcomes.push(await tried(`wrong ${n}`));
  expect(looks).toBe(signInFailureLimits.address.burst);
  expect(outcomes.at(-1)).toBe('rate_limited');
});

test('a credential that was good there is let in all the same, and one from elsewhere', async () => {
  await tried('good');
  for (let n = 0; n < 2000; n += 1) await tried(`wrong ${n}`);
  expect([await tried('good'), await tried('good', { address: '192.0.2.2' }), await tried('another')]).toEqual([
    'let in',
    'let in',
    'rate_limited',
  ]);
});

test('an alias is tried a few times from one address, and its user comes in from another', async () => {
  for (let n = 0; n < 100; n += 1) await tried(`wrong ${n}`, { claims: 'demo/ann' });
  expect(looks).toBe(signInFailureLimits.alias.burst);
  expect(await tried('good', { claims: 'demo/ann', address: '192.0.2.2' })).toBe('let in');
  expect(await tried('good', { claims: 'demo/bob' })).toBe('let in');
});

test('what nobody could look at is no failure', async () => {
  for (let n = 0; n < 1000; n += 1) await tried('away');
  expect(await tried('good')).toBe('let in');
});

test('a flood that comes faster than it is looked at has to wait, and who came well before has not', async () => {
  const { burst } = signInFailureLimits.address;
  const address = '192.0.2.1';
  await tried('good');
  const settle: (() => void)[] = [];
  const slow = () => new Promise<never>((_, reject) => settle.push(() => reject(new ProblemError('unauthenticated'))));
  const looked = Array.from({ length: burst }, (_, n) =>
    failures.watch({ credential: `wrong ${n}`, address }, slow).catch(() => undefined),
  );
  expect([failures.isOver(address), failures.mustWait({ credential: 'wrong', address })]).toEqual([false, true]);
  expect(failures.mustWait({ credential: 'good', address })).toBe(false);
  expect(failures.mustWait({ credential: 'wrong', address: '192.0.2.2' })).toBe(false);
  for (const end of settle) end();
  await Promise.all(looked);
  expect([failures.isOver(address), failures.mustWait({ credential: 'wrong', address })]).toEqual([true, true]);
});

test('a crowd of devices is no flood: only failures let an address wait', async () => {
  const address = '192.0.2.1';
  const all = Array.from({ length: 2000 }, (_, n) =>
    failures.watch({ credential: `token ${n}`, address, claims: `demo/${n}` }, () => new Promise((resolve) => setImmediate(resolve))),
  );
  expect(failures.mustWait({ credential: 'key', address })).toBe(false);
  await Promise.all(all);
  expect(failures.isOver(address)).toBe(false);
});
