import { expect, test } from 'vitest';
import { KnownLately, type Remembered } from './known-lately.js';

const inTurn = (turn: number, readAt = 0) => ({ turn, readAt }) as Remembered;

test('somebody is remembered in the newest turn that was told, in whatever order', () => {
  const lately = new KnownLately();
  lately.note('app/alice', inTurn(2));
  lately.note('app/alice', inTurn(1));
  expect(lately.get('app/alice', 1)?.turn).toBe(2);
  lately.note('app/alice', inTurn(3));
  expect(lately.get('app/alice', 1)?.turn).toBe(3);
  lately.forget('app/alice');
  expect(lately.get('app/alice', 1)).toBeUndefined();
});

test('what was read long ago is read again, however often it has been gone on from', () => {
  const lately = new KnownLately(1000);
  lately.note('app/alice', inTurn(1, 0));
  lately.note('app/alice', inTurn(2, 0));
  expect(lately.get('app/alice', 999)?.turn).toBe(2);
  expect(lately.get('app/alice', 1000)).toBeUndefined();
  lately.note('app/alice', inTurn(3, 1000));
  expect(lately.get('app/alice', 1001)?.turn).toBe(3);
});

test('of more people than some thousands those are forgotten of whom nothing was told for the longest time', () => {
  const lately = new KnownLately();
  for (let number = 0; number <= 3000; number += 1) {
    lately.note(`app/user-${number}`, inTurn(1));
    lately.note('app/alice', inTurn(number + 1));
  }
  expect(lately.get('app/alice', 1)?.turn).toBe(3001);
  expect(lately.get('app/user-0', 1)).toBeUndefined();
  expect(lately.get('app/user-3000', 1)).toBeDefined();
});
