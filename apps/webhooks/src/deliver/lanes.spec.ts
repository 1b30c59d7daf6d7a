/*
 * A hanging endpoint holds up only itself; within a call deliveries keep their order; a lane has an end.
 */
import { expect, test } from 'vitest';
import { Lanes } from './lanes.js';

const task = (id: string, key: string, work: () => Promise<void>) => ({ id, key, work });

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
  lanes.push(
    'hanging',
    task('1', 'call', () => hanging.promise),
  );
  lanes.push(
    'healthy',
    task('2', 'call', async () => void done.push('healthy')),
  );
  await Promise.resolve();
  expect(done).toEqual(['healthy']);
  hanging.resolve();
  await lanes.drained();
});

test('one call’s deliveries go one after the other, two calls’ side by side', async () => {
  const lanes = new Lanes(8, 10);
  const [first, second] = [deferred(), deferred()];
  const begun: string[] = [];
  const waiting = (name: string, key: string, until: Promise<void>) =>
    task(name, key, async () => {
      begun.push(name);
      await until;
    });
  lanes.push('endpoint', waiting('a1', 'a', first.promise));
  lanes.push('endpoint', waiting('a2', 'a', Promise.resolve()));
  lanes.push('endpoint', waiting('b1', 'b', second.promise));
  expect(begun).toEqual(['a1', 'b1']);
  first.resolve();
  second.resolve();
  await lanes.drained();
  expect(begun).toEqual(['a1', 'b1', 'a2']);
});

test('a full lane takes no more and says so', () => {
  const lanes = new Lanes(1, 2);
  const never = new Promise<void>(() => undefined);
  expect(
    ['1', '2', '3', '4'].map((id) =>
      lanes.push(
        'endpoint',
        task(id, 'a', () => never),
      ),
    ),
  ).toEqual([true, true, true, false]);
  expect(lanes.full()).toEqual(['endpoint']);
});

test('what waits or runs already is not taken twice, and may come again when it is done', async () => {
  const lanes = new Lanes(1, 10);
  const running = deferred();
  expect(
    lanes.push(
      'endpoint',
      task('1', 'a', () => running.promise),
    ),
  ).toBe(true);
  expect(
    lanes.push(
      'endpoint',
      task('1', 'a', () => running.promise),
    ),
  ).toBe(false);
  expect(lanes.holds('1')).toBe(true);
  running.resolve();
  await lanes.drained();
  expect(lanes.holds('1')).toBe(false);
});

test('closing gives back what has not begun, and takes no more; what runs is waited for', async () => {
  const lanes = new Lanes(1, 10);
  const running = deferred();
  const begun: string[] = [];
  lanes.push(
    'endpoint',
    task('1', 'a', () => running.promise),
  );
  lanes.push(
    'endpoint',
    task('2', 'b', async () => void begun.push('2')),
  );
  expect(lanes.close().map(({ id }) => id)).toEqual(['2']);
  expect(
    lanes.push(
      'endpoint',
      task('3', 'c', () => running.promise),
    ),
  ).toBe(false);
  running.resolve();
  await lanes.drained();
  expect(begun).toEqual([]);
});
