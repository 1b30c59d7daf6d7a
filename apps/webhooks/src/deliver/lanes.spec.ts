/*
 * A hanging endpoint holds up only itself; within a call deliveries keep their order; a lane has an end.
 */
import { expect, test } from 'vitest';
import { Lanes } from './lanes.js';

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

test('one that hangs does not hold up another', async () => {
  const lanes = new Lanes(2, 10);
  const hanging = deferred();
  const done: string[] = [];
  lanes.push('hanging', 'call', () => hanging.promise);
  lanes.push('healthy', 'call', async () => void done.push('healthy'));
  await Promise.resolve();
  expect(done).toEqual(['healthy']);
  hanging.resolve();
  await lanes.drained();
});

test('one call’s deliveries go one after the other, two calls’ side by side', async () => {
  const lanes = new Lanes(8, 10);
  const [first, second] = [deferred(), deferred()];
  const begun: string[] = [];
  const task = (name: string, until: Promise<void>) => async () => {
    begun.push(name);
    await until;
  };
  lanes.push('endpoint', 'a', task('a1', first.promise));
  lanes.push('endpoint', 'a', task('a2', Promise.resolve()));
  lanes.push('endpoint', 'b', task('b1', second.promise));
  expect(begun).toEqual(['a1', 'b1']);
  first.resolve();
  second.resolve();
  await lanes.drained();
  expect(begun).toEqual(['a1', 'b1', 'a2']);
});

test('a full lane takes no more and says so', () => {
  const lanes = new Lanes(1, 2);
  const never = new Promise<void>(() => undefined);
  expect([1, 2, 3, 4].map(() => lanes.push('endpoint', 'a', () => never))).toEqual([true, true, true, false]);
});
