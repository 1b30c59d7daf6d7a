import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Lane, type Turn } from './lanes.js';

test('a provider that has not answered so far has as many under way as it may, while this process has time', async () => {
  const lane = new Lane({ concurrency: 512, waiting: 1000 });
  const answer = Promise.withResolvers<void>();
  let begun = 0;
  const all = Array.from({ length: 600 }, () =>
    lane.request(() => {
      begun += 1;
      return answer.promise;
    }),
  );
  expect(begun).toBe(96);
  for (let waited = 0; begun < 512 && waited < 200; waited += 1) await sleep(20);
  expect(begun).toBe(512);
  answer.resolve();
  await Promise.all(all);
  expect(begun).toBe(600);
});

test('what begins in its turn has a place for one request, and lets the next begin when it gives back what it did not use', async () => {
  const lane = new Lane({ concurrency: 2, waiting: 10 });
  const turns: Turn[] = [];
  for (let begun = 0; begun < 4; begun += 1) lane.inTurn((turn) => turns.push(turn));
  expect(turns).toHaveLength(2);
  const answer = Promise.withResolvers<string>();
  const asked = lane.request(() => answer.promise, turns[0]);
  turns[1]?.giveBack();
  turns[1]?.giveBack();
  expect(turns).toHaveLength(3);
  // Its place is the request's: it is given back with the answer, and once.
  turns[0]?.giveBack();
  expect(turns).toHaveLength(3);
  answer.resolve('taken');
  expect(await asked).toBe('taken');
  expect(turns).toHaveLength(4);
  // A further request of the same waits for its turn as any other does.
  let isAgain = false;
  const again = lane.request(async () => {
    isAgain = true;
  }, turns[0]);
  await sleep(1);
  expect(isAgain).toBe(false);
  turns[2]?.giveBack();
  await again;
  expect(isAgain).toBe(true);
});
