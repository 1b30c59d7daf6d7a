/*
 * What looks around now and then takes turns on one connection: nothing begins before what came first is over, however that ends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '@communication-center/event-log';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inTurn } from './in-turn.js';

test('whatever is asked at once is done one after the other, in the order in which it was asked, though some of it fails', async () => {
  const asked = fc.record({ isTransaction: fc.boolean(), fails: fc.boolean(), takesMs: fc.integer({ min: 0, max: 3 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { maxLength: 12 }), async (all) => {
      const begun: number[] = [];
      let atOnce = 0;
      let most = 0;
      const doing = async (index: number) => {
        begun.push(index);
        atOnce += 1;
        most = Math.max(most, atOnce);
        await sleep(all[index]?.takesMs);
        atOnce -= 1;
        if (all[index]?.fails) throw new Error('refused');
        return { rows: [index], rowCount: 1 };
      };
      const database = inTurn({
        schema: 'calls',
        query: (text: string) => doing(Number(text)),
        transaction: (work: (tx: unknown) => Promise<unknown>) => work({ query: (text: string) => doing(Number(text)) }),
      } as unknown as Database);
      const answers = await Promise.allSettled(
        all.map(({ isTransaction }, index) =>
          isTransaction ? database.transaction((tx) => tx.query(String(index))) : database.query(String(index)),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(all.map(({ fails }) => (fails ? 'rejected' : 'fulfilled')));
      expect(begun).toEqual(all.map((_, index) => index));
      expect(most).toBeLessThanOrEqual(1);
    }),
    { numRuns: 50 },
  );
});
