import { expect, test } from 'vitest';
import { DueRows } from './due-rows.js';

function looping(work: () => Promise<number | null>): { loop: DueRows; errors: unknown[] } {
  const errors: unknown[] = [];
  const loop = new DueRows({ name: 'a loop', work, onError: (error) => void errors.push(error), maxPauseMs: 60_000 });
  loop.start();
  return { loop, errors };
}

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setImmediate(resolve));
}

test('whoever is woken works at once, and once more where the wake came while it worked', async () => {
  let works = 0;
  let goOn: () => void = () => undefined;
  const { loop } = looping(async () => {
    works += 1;
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    return null;
  });
  await until(() => works === 1);
  loop.wake();
  loop.wake();
  goOn();
  await until(() => works === 2);
  goOn();
  await new Promise((resolve) => setImmediate(resolve));
  loop.wake();
  await until(() => works === 3);
  goOn();
  await loop.stop();
  expect(works).toBe(3);
});

test('work that fails is reported, and does not end the loop', async () => {
  let works = 0;
  const { loop, errors } = looping(async () => {
    works += 1;
    if (works === 1) throw new Error('away');
    return null;
  });
  await until(() => errors.length === 1);
  await new Promise((resolve) => setImmediate(resolve));
  loop.wake();
  await until(() => works === 2);
  await loop.stop();
  expect(errors).toHaveLength(1);
});
