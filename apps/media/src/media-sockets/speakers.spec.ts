/*
 * Who speaks is told soon, whole, and not more often than somebody could see.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Speakers } from './speakers.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('the first word is told at once, and what changes in a moment together', async () => {
  const told: string[][] = [];
  const speakers = new Speakers((heard) => told.push([...heard].sort()));
  speakers.note({ feed: 'a', mid: '0', talking: true });
  expect(told).toEqual([['0 a']]);
  speakers.note({ feed: 'b', mid: '0', talking: true });
  speakers.note({ feed: 'a', mid: '0', talking: false });
  expect(told).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(300);
  expect(told.slice(1)).toEqual([['0 b']]);
  speakers.again();
  await vi.advanceTimersByTimeAsync(300);
  expect(told.slice(2), 'to whoever listens now').toEqual([['0 b']]);
});

const said = fc.record({ feed: fc.constantFrom('a', 'b', 'c'), mid: fc.constantFrom('0', '2'), talking: fc.boolean() });
const step = fc.oneof(
  said,
  fc.constantFrom('a', 'b', 'c').map((gone) => ({ gone })),
  fc.integer({ min: 1, max: 500 }).map((ms) => ({ ms })),
);

test('whatever Janus says, and in whatever order, the last list is true, and lists are no nearer than the pace', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const told: { at: number; list: string }[] = [];
      const speakers = new Speakers((heard) => told.push({ at: Date.now(), list: [...heard].sort().join() }));
      const truth = new Set<string>();
      for (const one of steps) {
        if ('ms' in one) vi.advanceTimersByTime(one.ms);
        else if ('gone' in one) {
          speakers.forget(one.gone);
          for (const key of truth) if (key.endsWith(` ${one.gone}`)) truth.delete(key);
        } else {
          speakers.note(one);
          if (one.talking) truth.add(`${one.mid} ${one.feed}`);
          else truth.delete(`${one.mid} ${one.feed}`);
        }
      }
      vi.advanceTimersByTime(1000);
      expect(told.at(-1)?.list ?? '').toBe([...truth].sort().join());
      for (const [index, { at }] of told.entries()) expect(at - (told[index - 1]?.at ?? -1000)).toBeGreaterThanOrEqual(300);
    }),
  );
});

test('nothing is told after the end', async () => {
  const tell = vi.fn();
  const speakers = new Speakers(tell);
  speakers.note({ feed: 'a', mid: '0', talking: true });
  speakers.note({ feed: 'b', mid: '0', talking: true });
  speakers.stop();
  await vi.advanceTimersByTimeAsync(1000);
  expect(tell).toHaveBeenCalledOnce();
});
