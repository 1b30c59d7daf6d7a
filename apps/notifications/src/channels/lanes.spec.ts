import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Lane } from './lanes.js';

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
