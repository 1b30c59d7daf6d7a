import type { CallState } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { FoldedLately } from './folded-lately.js';

const call = (callId: string, sequence: number, status = 'ringing') => ({ callId, sequence, status }) as CallState;

test('a call is known only as it was just before the event that follows', () => {
  const lately = new FoldedLately();
  lately.note([call('one', 3)]);
  expect(lately.before('one', 4)).toEqual(call('one', 3));
  expect([lately.before('one', 3), lately.before('one', 5), lately.before('other', 4)]).toEqual([undefined, undefined, undefined]);
});

test('a call that has ended is forgotten, and so are the oldest where there are many', () => {
  const lately = new FoldedLately();
  lately.note([call('one', 1), call('two', 1)]);
  lately.note([call('one', 2, 'ended')]);
  expect([lately.before('one', 2), lately.before('one', 3)]).toEqual([undefined, undefined]);
  lately.note(Array.from({ length: 2000 }, (_, number) => call(`call-${number}`, 1)));
  expect(lately.before('two', 2)).toBeUndefined();
  expect(lately.before('call-0', 2)).toEqual(call('call-0', 1));
});
