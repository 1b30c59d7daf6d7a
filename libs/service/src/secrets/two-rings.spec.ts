/*
 * While keys are rotated two processes of a service have different rings. In the steps that the operations page tells, what either has
 * made is understood by the other. Where a step was left out, what the other cannot read is refused by the name of the key that lacks, and
 * is as good as before once that is there.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyRing } from './key-ring.js';
import { SealedBox, UnopenedError } from './sealed-box.js';

const key = (id: string, fill: number) => `${id}:${Buffer.alloc(32, fill).toString('base64')}`;
const [old, next] = [key('2025-12', 1), key('2026-11', 2)];

/** What a process has of its ring at each step. */
const steps = [[old], [old, next], [next, old], [next]].map((keys) => KeyRing.parse(keys.join(',')));
const [before, both, first, after] = steps as [KeyRing, KeyRing, KeyRing, KeyRing];
/** Two processes of which one has gone a step further; by the last, nothing is left that the old key made. */
const overlaps: [string, KeyRing, KeyRing, 'both' | 'the newer alone'][] = [
  ['the next key is added', before, both, 'both'],
  ['the next key is put first', both, first, 'both'],
  ['the old key is taken out', first, after, 'the newer alone'],
];

test.each(overlaps)('while %s, what either process has made is understood by the other', (_step, older, newer, alive) => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), (text, owner) => {
      const makers = alive === 'both' ? [older, newer] : [newer];
      // The process that is a step behind signs with the newest key by then as well.
      if (alive !== 'both') expect(older.current.id).toBe(newer.current.id);
      for (const maker of makers)
        for (const reader of [older, newer]) {
          expect(reader.isSigned(text, maker.sign(text))).toBe(true);
          expect(new SealedBox(reader).open(owner, new SealedBox(maker).seal(owner, text))).toBe(text);
        }
    }),
    { numRuns: 50 },
  );
});

test('where a step was left out, what the other cannot read is refused by the name of its key, and opens once that is there', () => {
  const sealed = new SealedBox(first).seal('desk', 'secret');
  expect(() => new SealedBox(before).open('desk', sealed)).toThrow(
    new UnopenedError('A secret does not open: the key 2026-11, which it names, is not here'),
  );
  expect(new SealedBox(both).open('desk', sealed)).toBe('secret');
  const signature = first.sign('nonce');
  expect([before.isSigned('nonce', signature), both.isSigned('nonce', signature)]).toEqual([false, true]);
  expect([before.lacks(signature), both.lacks(signature), first.lacks('nonsense')]).toEqual([true, false, false]);
  // And the other way round: what the old key made is lost to nobody who still has it.
  const ofOld = new SealedBox(before).seal('desk', 'secret');
  expect(() => new SealedBox(after).open('desk', ofOld)).toThrow('the key 2025-12, which it names, is not here');
  expect(new SealedBox(first).open('desk', ofOld)).toBe('secret');
});
