/*
 * A store is looked through for what it never gave: all of its time, but not at each step of a comparison.
 */
import fc from 'fast-check';
import { beforeEach, expect, test } from 'vitest';
import { StoreLooks } from './store-looks.js';

const began = Date.parse('2026-11-28T09:30:00Z');
const at = (seconds: number) => new Date(began + seconds * 1000).toISOString();
let looks: { after: string; until: string; limit?: number }[];
let finds: { key: string; sequence: number }[];

beforeEach(() => {
  [looks, finds] = [[], []];
});

const make = () =>
  new StoreLooks({} as never, async (_sql, span) => {
    looks.push({ after: span.after, until: span.until });
    return finds;
  });

test('it is looked through once a minute of what is compared, and at the end, from before where the first step began', async () => {
  const store = make();
  for (const second of [1, 2, 3]) await store.look({ after: at(second - 1), until: at(second), isAll: false });
  expect(looks).toEqual([{ after: at(-120), until: at(1) }]);
  await store.look({ after: at(3), until: at(61), isAll: false });
  await store.look({ after: at(61), until: at(65), isAll: true });
  expect(looks.slice(1)).toEqual([
    { after: at(1), until: at(61) },
    { after: at(61), until: at(65) },
  ]);
});

test('where as many were found as one look finds, and after what went wrong, it is looked through again', async () => {
  const store = make();
  finds = Array.from({ length: 1000 }, (_, sequence) => ({ key: 'a', sequence }));
  expect(await store.look({ after: at(0), until: at(1), isAll: true })).toEqual(finds);
  finds = [{ key: 'a', sequence: 1000 }];
  await store.look({ after: at(1), until: at(2), isAll: false });
  expect(looks[1]).toEqual({ after: at(-120), until: at(2) });
  store.forget();
  await store.look({ after: at(2), until: at(3), isAll: true });
  expect(looks[2]).toEqual({ after: at(-118), until: at(3) });
});

test('whatever the steps, no time is left out', async () => {
  const step = fc.record({ seconds: fc.integer({ min: 1, max: 90 }), isAll: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1 }), async (steps) => {
      looks = [];
      const store = make();
      let end = 0;
      for (const { seconds, isAll } of [...steps, { seconds: 1, isAll: true }]) {
        await store.look({ after: at(end), until: at(end + seconds), isAll });
        end += seconds;
      }
      const covered = looks.reduce((until, look) => {
        expect(Date.parse(look.after)).toBeLessThanOrEqual(until);
        return Date.parse(look.until);
      }, began);
      expect(covered).toBe(began + end * 1000);
    }),
  );
});
