/* However much one app has to send, another's only delivery begins within a turn or two. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type TakesTurns, Turns } from './turns.js';

const turns = new Turns(4);
const begun: string[] = [];

function lane(appId: string, count: number): TakesTurns {
  let left = count;
  const one: TakesTurns = {
    endpoint: { appId },
    pump: () => {
      while (left > 0 && turns.take(one)) {
        left -= 1;
        begun.push(appId);
      }
    },
  };
  return one;
}

test('an app with a thousand endpoints is not before one with one, and everything begins once', async () => {
  for (const one of Array.from({ length: 1000 }, () => lane('large', 3))) one.pump();
  await turn();
  lane('small', 1).pump();
  await turn();
  await turn();
  expect(begun).toContain('small');
  expect(begun.length).toBeLessThan(20);
  for (let waits = 0; begun.length < 3001 && waits < 2000; waits += 1) await turn();
  expect(begun.filter((appId) => appId === 'large')).toHaveLength(3000);
});
