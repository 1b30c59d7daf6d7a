/*
 * However often somebody is refused, the record is written twice a minute of it, and says how often; no app's acts hide another's.
 */
import type { AppId, AuditAct } from '@communication-center/contracts';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FrequentActs } from './frequent-acts.js';

const [demo, shop] = ['demo', 'shop'] as [AppId, AppId];
let written: unknown[][];
let acts: FrequentActs;

beforeEach(() => {
  vi.useFakeTimers();
  written = [];
  const query = async (text: string, values: unknown[]) => {
    if (text.startsWith('INSERT INTO audit')) written.push(values.slice(1));
    return { rows: [{ at: new Date(), id: '1', partition: 0 }] };
  };
  const transaction = (work: (tx: unknown) => Promise<void>) => work({ query });
  acts = new FrequentActs({ transaction } as never, (error) => expect.fail(String(error)));
});
afterEach(() => vi.useRealTimers());

const refuse = (appId: AppId, times: number) => {
  for (let time = 0; time < times; time += 1) acts.note(appId, 'nobody', 'sign_in.refused', 'unauthenticated');
};

test('of a flood the first is on record at once, and a minute later how many more there were', async () => {
  refuse(demo, 10_000);
  refuse(shop, 1);
  await vi.advanceTimersByTimeAsync(0);
  expect(written).toEqual([
    ['demo', 'nobody', 'sign_in.refused', 'unauthenticated'],
    ['shop', 'nobody', 'sign_in.refused', 'unauthenticated'],
  ]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written.slice(2)).toEqual([['demo', 'nobody', 'sign_in.refused', '9999 more within a minute']]);
});

test('whoever stops puts on record what it counted', async () => {
  refuse(demo, 3);
  await acts.beforeApplicationShutdown();
  expect(written.map(([, , , target]) => target)).toEqual(['unauthenticated', '2 more within a minute']);
});

test('all that was done is counted, in two entries a minute for each actor and kind at most', async () => {
  const act = fc.record({
    actor: fc.constantFrom('key:a', 'key:b'),
    kind: fc.constantFrom<AuditAct>('sign_in.refused', 'user_token.minted'),
    afterMs: fc.nat(30_000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 60 }), async (done) => {
      written = [];
      let passedMs = 0;
      for (const { actor, kind, afterMs } of done) {
        await vi.advanceTimersByTimeAsync(afterMs);
        passedMs += afterMs;
        acts.note(demo, actor, kind, 'one');
      }
      await vi.advanceTimersByTimeAsync(60_000);
      for (const actor of ['key:a', 'key:b'])
        for (const kind of ['sign_in.refused', 'user_token.minted']) {
          const entries = written.filter(([, by, what]) => by === actor && what === kind).map(([, , , target]) => String(target));
          const counted = entries.reduce((total, target) => total + (target === 'one' ? 1 : Number.parseInt(target, 10)), 0);
          expect(counted).toBe(done.filter((one) => one.actor === actor && one.kind === kind).length);
          expect(entries.length).toBeLessThanOrEqual(2 * (passedMs / 60_000 + 1));
        }
    }),
    { numRuns: 30 },
  );
});
