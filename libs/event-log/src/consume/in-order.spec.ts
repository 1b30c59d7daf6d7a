import type { AnyEvent } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { InfrastructureError } from '../failures.js';
import type { Gap, Repair } from './gaps.js';
import { InOrder, type InOrderOptions } from './in-order.js';

const event = (subject: string, sequence: number) => ({ subject, sequence, type: 'call.ringing' }) as AnyEvent;
const nameOf = ({ subject, sequence }: AnyEvent) => `${subject}${sequence}`;
const between = (key: string, after: number, before: number) =>
  Array.from({ length: before - after - 1 }, (_, index) => event(key, after + 1 + index));

function listen(repair: Repair, options: Partial<InOrderOptions> = {}) {
  const delivered: string[] = [];
  const givenUp: string[] = [];
  const gaps: Gap[] = [];
  const inOrder = new InOrder({
    topic: 'calls.events',
    repair,
    concerns: () => true,
    deliver: (one) => void delivered.push(nameOf(one)),
    giveUp: (held) => void givenUp.push(...held.map(nameOf)),
    onGap: (gap) => void gaps.push(gap),
    onError: () => undefined,
    ...options,
  });
  return { inOrder, delivered, givenUp, gaps };
}

test('what comes after a gap is held back until the gap is filled; other calls do not wait', async () => {
  let answer: (() => void) | undefined;
  const { inOrder, delivered, gaps } = listen(
    (key, after, before) => new Promise((resolve) => (answer = () => resolve(between(key, after, before)))),
  );
  for (const one of [event('a', 1), event('a', 4), event('b', 1), event('a', 5)]) inOrder.take(one);
  expect(delivered).toEqual(['a1', 'b1']);
  answer?.();
  await vi.waitFor(() => expect(delivered).toEqual(['a1', 'b1', 'a2', 'a3', 'a4', 'a5']));
  expect(gaps).toEqual([{ topic: 'calls.events', key: 'a', after: 1, before: 4 }]);
});

test('a second gap behind the first is filled too', async () => {
  const { inOrder, delivered } = listen(async (...asked) => between(...asked));
  for (const one of [event('a', 1), event('a', 3), event('a', 6)]) inOrder.take(one);
  await vi.waitFor(() => expect(delivered).toEqual(['a1', 'a2', 'a3', 'a4', 'a5', 'a6']));
});

test('a source that is away for a moment is asked again', async () => {
  let tries = 0;
  const { inOrder, delivered, givenUp } = listen(async (...asked) => {
    tries += 1;
    if (tries < 3) throw new InfrastructureError('nobody answers');
    return between(...asked);
  });
  for (const one of [event('a', 1), event('a', 3)]) inOrder.take(one);
  await vi.waitFor(() => expect(delivered).toEqual(['a1', 'a2', 'a3']));
  expect(givenUp).toEqual([]);
});

test('a source that stays away is given up, and so is a crowd of events behind a gap', async () => {
  const away: Repair = async () => {
    throw new InfrastructureError('nobody answers');
  };
  const late = listen(away, { waitMs: 150 });
  for (const one of [event('a', 1), event('a', 3), event('a', 4)]) late.inOrder.take(one);
  await vi.waitFor(() => expect(late.givenUp).toEqual(['a3', 'a4']));
  late.inOrder.take(event('a', 5));
  expect(late.delivered).toEqual(['a1', 'a5']);
  const crowded = listen(() => new Promise(() => undefined), { maxHeld: 2 });
  for (const sequence of [1, 3, 4, 5]) crowded.inOrder.take(event('a', sequence));
  expect(crowded.givenUp).toEqual(['a3', 'a4', 'a5']);
});

test('a gap that concerns nobody here, and a call that begins in its middle, are no matter', () => {
  const { inOrder, delivered, gaps } = listen(async () => [], { concerns: ({ subject }) => subject !== 'b' });
  for (const one of [event('a', 3), event('a', 4), event('b', 1), event('b', 3)]) inOrder.take(one);
  expect(delivered).toEqual(['a3', 'a4', 'b1', 'b3']);
  expect(gaps).toEqual([]);
});

test('what was passed over leaves no gap, also behind one', async () => {
  const { inOrder, delivered, gaps } = listen(async (...asked) => between(...asked));
  inOrder.take(event('a', 1));
  inOrder.passOver({ subject: 'a', sequence: 2 });
  inOrder.take(event('a', 3));
  expect(delivered).toEqual(['a1', 'a3']);
  inOrder.take(event('a', 5));
  inOrder.passOver({ subject: 'a', sequence: 6 });
  inOrder.take(event('a', 7));
  await vi.waitFor(() => expect(delivered).toEqual(['a1', 'a3', 'a4', 'a5', 'a7']));
  expect(gaps).toEqual([{ topic: 'calls.events', key: 'a', after: 3, before: 5 }]);
});

test('what was passed over behind a gap that is given up is nobody’s loss', async () => {
  const { inOrder, delivered, givenUp } = listen(() => new Promise(() => undefined), { waitMs: 50 });
  for (const one of [event('a', 1), event('a', 3)]) inOrder.take(one);
  inOrder.passOver({ subject: 'a', sequence: 4 });
  await vi.waitFor(() => expect(givenUp).toEqual(['a3']));
  inOrder.take(event('a', 5));
  expect(delivered).toEqual(['a1', 'a5']);
});

test('what is next is taken before the topic brings it; what is not waits for its turn', async () => {
  const repair = vi.fn(async (...asked: [string, number, number]) => between(...asked));
  const { inOrder, delivered } = listen(repair);
  for (const one of [event('a', 1), event('b', 2), event('a', 3), event('a', 2)]) inOrder.takeEarly(one);
  expect(delivered).toEqual(['a1', 'a2']);
  for (const one of [event('a', 3), event('b', 1), event('b', 2)]) inOrder.take(one);
  expect(delivered).toEqual(['a1', 'a2', 'a3', 'b1', 'b2']);
  expect(repair).not.toHaveBeenCalled();
});

test('nothing is taken early of a call that waits for what it lacks', async () => {
  const { inOrder, delivered } = listen(async (...asked) => between(...asked));
  for (const one of [event('a', 1), event('a', 3)]) inOrder.take(one);
  inOrder.takeEarly(event('a', 2));
  expect(delivered).toEqual(['a1']);
  await vi.waitFor(() => expect(delivered).toEqual(['a1', 'a2', 'a3']));
});

test('whatever way events come, early, late or again, each is delivered once in order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('early', 'topic'), fc.nat(9)), { maxLength: 40 }), (early) => {
      const { inOrder, delivered } = listen(async () => []);
      let next = 1;
      // The topic brings all in order; between, some are told early, as they were committed, or once more.
      for (const [way, ahead] of early) {
        if (way === 'early') inOrder.takeEarly(event('a', Math.max(1, next - 3 + ahead)));
        else if (!inOrder.has(event('a', next))) inOrder.take(event('a', next));
        if (way === 'topic') next += 1;
      }
      for (; next <= 60; next += 1) if (!inOrder.has(event('a', next))) inOrder.take(event('a', next));
      expect(delivered).toEqual(Array.from({ length: 60 }, (_, index) => `a${index + 1}`));
    }),
  );
});
