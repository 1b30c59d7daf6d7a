/* A crowd of viewers takes so much and no more, and no broadcast is kept from its share by it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeptFiles } from './kept-files.js';
import { ViewersPace } from './viewers-pace.js';

test('so many are answered in a second, those of one that is alone all of them, and then again', () => {
  const pace = new ViewersPace(100);
  const answered = (now: number) => Array.from({ length: 300 }, () => pace.take('a', now)).filter(Boolean).length;
  expect([answered(0), answered(999), answered(1000)]).toEqual([100, 0, 100]);
});

test('whatever a crowd asks, who asks for less than a share is answered, and all together are twice as many at most', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 20 }),
      fc.integer({ min: 20, max: 200 }),
      fc.array(fc.nat(19), { maxLength: 2000 }),
      (broadcasts, perSecond, asks) => {
        const pace = new ViewersPace(perSecond);
        // They are all known to be watched.
        for (let one = 0; one < broadcasts; one += 1) pace.take(String(one), 0);
        const answered = new Map<string, number>();
        const asked = new Map<string, number>();
        for (const ask of asks) {
          const id = String(ask % broadcasts);
          asked.set(id, (asked.get(id) ?? 0) + 1);
          if (pace.take(id, 1500)) answered.set(id, (answered.get(id) ?? 0) + 1);
        }
        const all = [...answered.values()].reduce((sum, one) => sum + one, 0);
        expect(all).toBeLessThanOrEqual(perSecond * 2 + broadcasts);
        for (const [id, count] of asked) {
          if (count <= Math.floor(perSecond / broadcasts)) expect(answered.get(id)).toBe(count);
        }
      },
    ),
  );
});

test('what many ask for at the same moment is read once, kept for a while, and no more than may be', async () => {
  const reads: string[] = [];
  const files = new KeptFiles({ mostBytes: 250, mostFiles: 10, forMs: 1000 }, async (path) => {
    reads.push(path);
    return path === 'none' ? undefined : Buffer.alloc(100);
  });
  const all = await Promise.all(Array.from({ length: 50 }, () => files.of('a', 0)));
  expect([reads, new Set(all).size]).toEqual([['a'], 1]);
  await files.of('none', 0);
  await files.of('none', 0);
  expect(reads).toEqual(['a', 'none', 'none']);
  await files.of('b', 100);
  await files.of('c', 200);
  expect(files.bytes, 'the first goes first').toBe(200);
  await files.of('b', 300);
  expect(reads.filter((one) => one === 'b')).toHaveLength(1);
  files.forget(1150);
  expect(files.bytes).toBe(100);
  files.forget(1200);
  expect(files.bytes).toBe(0);
});

test('of files that cannot be read nothing is kept', async () => {
  let isWell = false;
  const files = new KeptFiles({ mostBytes: 250, mostFiles: 10, forMs: 1000 }, async () => {
    if (!isWell) throw new Error('the disk is gone');
    return Buffer.alloc(1);
  });
  await expect(files.of('a', 0)).rejects.toThrow('the disk is gone');
  isWell = true;
  expect(await files.of('a', 1)).toHaveLength(1);
});

test('however many are asked for, and in whatever order they come, what is kept is bounded, and counted as it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ name: fc.nat(30), size: fc.nat(100) }), { maxLength: 60 }), async (asks) => {
      const sizes = new Map<string, number>();
      const files = new KeptFiles({ mostBytes: 300, mostFiles: 8, forMs: 50 }, async (path) => Buffer.alloc(sizes.get(path) ?? 0));
      for (const [now, { name, size }] of asks.entries()) {
        if (!sizes.has(String(name))) sizes.set(String(name), size);
        await files.of(String(name), now);
        expect(files.bytes).toBeLessThanOrEqual(300);
      }
      files.forget(1000);
      expect(files.bytes).toBe(0);
    }),
  );
});
