/* Places and waiting places have an end, and neither can all be one app's: whoever has a share left is not kept waiting by who has not. */
import { expect, test } from 'vitest';
import { Turns, whoseShare } from './turns.js';

const here = new AbortController().signal;
const settled = async (turn: Promise<unknown>) =>
  Promise.race([
    turn.then(
      () => 'begun',
      ({ code }: { code: string }) => code,
    ),
    new Promise((resolve) => setImmediate(() => resolve('waits'))),
  ]);

test('beyond its share an app waits, and beyond as many that wait it is refused; another app goes on', async () => {
  const turns = new Turns(3, 2, 60_000);
  const a = [0, 1, 2, 3, 4].map(() => turns.take('a', here));
  expect(await Promise.all(a.map(settled))).toEqual(['begun', 'begun', 'waits', 'waits', 'rate_limited']);
  const b = [0, 1].map(() => turns.take('b', here));
  expect(await Promise.all(b.map(settled))).toEqual(['begun', 'waits']);
  expect(await settled(turns.take('c', here))).toBe('service_unavailable');
  // The place that b leaves is b's next: a, who waits for longer, has no share left.
  (await b[0])?.();
  expect([await settled(b[1] as Promise<unknown>), await settled(a[2] as Promise<unknown>)]).toEqual(['begun', 'waits']);
  (await a[0])?.();
  expect([await settled(a[2] as Promise<unknown>), await settled(a[3] as Promise<unknown>)]).toEqual(['begun', 'waits']);
});

test('who waits too long, or goes away, leaves the place where it waited', async () => {
  const turns = new Turns(1, 1, 20);
  const leave = await turns.take('a', here);
  await expect(turns.take('a', here)).rejects.toMatchObject({ code: 'rate_limited' });
  const gone = new AbortController();
  const left = turns.take('a', gone.signal);
  gone.abort();
  leave();
  await expect(left).rejects.toMatchObject({ code: 'rate_limited' });
  expect(await settled(turns.take('a', here))).toBe('begun');
});

test('an app has a share; the operator, and whoever names nobody, are one each', () => {
  expect(whoseShare({ kind: 'key', appId: 'shop' as never, keyId: 'k', scopes: [] })).toBe(
    whoseShare({ kind: 'user', appId: 'shop' as never, userAlias: 'u' as never }),
  );
  expect(new Set([whoseShare({ kind: 'operator' }), whoseShare({ kind: 'nobody' }), 'app operator']).size).toBe(3);
});
