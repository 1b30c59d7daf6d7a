/*
 * Whatever happens in whatever order: each wanted message is begun once unless it is held, none of a subject overtakes another that
 * is under way, nothing at or below the position is unfinished, and a reader that takes over begins what is not settled, and nothing else.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Ordering, Reader } from './reader.js';

interface Sent {
  messageId: string;
  subject: string;
  position: number;
}

type Step =
  | { does: 'offer'; subject: number; isWanted: boolean }
  | { does: 'begin' }
  | { does: 'end'; which: number; isSettled: boolean }
  | { does: 'record'; which: number };

const steps = fc.array(
  fc.oneof(
    fc.record({ does: fc.constant('offer' as const), subject: fc.nat(3), isWanted: fc.boolean() }),
    fc.record({ does: fc.constant('begin' as const) }),
    fc.record({ does: fc.constant('end' as const), which: fc.nat(5), isSettled: fc.boolean() }),
    fc.record({ does: fc.constant('record' as const), which: fc.nat(5) }),
  ),
  { maxLength: 200 },
);
const orderings: fc.Arbitrary<Ordering> = fc.constantFrom('per_subject', 'strict', 'none');
const most = 10;

/** Does the steps, and notes what a database would know. */
function run(ordering: Ordering, all: readonly Step[]) {
  const reader = new Reader<Sent>(0, ordering, most);
  const [log, underWay, unrecorded]: [(Sent & { isWanted: boolean })[], Sent[], Sent[]] = [[], [], []];
  const [begun, held, recorded] = [new Map<number, number>(), new Set<number>(), new Set<number>()];
  const faults: string[] = [];
  for (const step of all) {
    if (step.does === 'offer') {
      const position = reader.cursor + 1;
      const message = { messageId: `${position}`, subject: `call ${step.subject}`, position };
      const taken = reader.offer(message, step.isWanted, position);
      if (taken === 'full') continue;
      log.push({ ...message, isWanted: step.isWanted });
      if (taken === 'held') {
        held.add(position);
        unrecorded.push(message);
      }
    } else if (step.does === 'begin') {
      const next = reader.next();
      if (!next) continue;
      if (ordering !== 'none' && underWay.some(({ subject }) => subject === next.subject)) faults.push(`${next.subject} twice at a time`);
      const later = [...begun.keys()].filter((position) => log[position - 1]?.subject === next.subject && position > next.position);
      if (ordering !== 'none' && later.length > 0) faults.push(`${next.position} after ${later}`);
      begun.set(next.position, (begun.get(next.position) ?? 0) + 1);
      underWay.push(next);
    } else if (step.does === 'end') {
      const [ended] = underWay.splice(step.which % Math.max(1, underWay.length), 1);
      if (!ended) continue;
      unrecorded.push(ended);
      for (const one of reader.ended(ended, step.isSettled)) {
        held.add(one.position);
        unrecorded.push(one);
      }
    } else {
      const [one] = unrecorded.splice(step.which % Math.max(1, unrecorded.length), 1);
      if (!one) continue;
      recorded.add(one.position);
      reader.settled(one.position);
    }
    const open = log.filter(({ position, isWanted }) => isWanted && !recorded.has(position));
    if (open.some(({ position }) => position <= reader.position)) faults.push(`${reader.position} is past what is not recorded`);
    if (open.length > most) faults.push('more in hand than there is room for');
  }
  return { reader, log, begun, held, recorded, faults };
}

test('in every order of messages, answers and records the promises of a reader hold', () => {
  fc.assert(
    fc.property(orderings, steps, (ordering, all) => {
      const { faults, begun, held } = run(ordering, all);
      expect(faults).toEqual([]);
      expect([...begun.values()].every((times) => times === 1)).toBe(true);
      if (ordering !== 'strict') expect(held.size).toBe(0);
    }),
  );
});

test('whoever takes over begins all that is not on record, and nothing that is', () => {
  fc.assert(
    fc.property(orderings, steps, (ordering, all) => {
      const { reader, log, recorded } = run(ordering, all);
      const settled = [...recorded].filter((position) => position > reader.position);
      const heir = new Reader<Sent>(reader.position, ordering, 1000, { settled });
      for (const { isWanted, ...message } of log) heir.offer(message, isWanted, 0);
      const again: number[] = [];
      for (let next = heir.next(); next; next = heir.next()) {
        again.push(next.position);
        heir.ended(next, true);
        heir.settled(next.position);
      }
      const left = log.filter(({ isWanted, position }) => isWanted && !recorded.has(position));
      expect(again.toSorted((one, other) => one - other)).toEqual(left.map(({ position }) => position));
      expect(heir.position).toBe(Math.max(reader.cursor, reader.position));
    }),
  );
});

const sent = (position: number, subject: string) => ({ messageId: `${position}`, subject, position });

test('strict: what comes after one that waits is held, other subjects go on, and the subject is free when all of it has ended', () => {
  const reader = new Reader<Sent | { messageId: string; subject: string; position: null }>(0, 'strict', 10);
  for (const position of [1, 2]) reader.offer(sent(position, 'a') as never, true, 0);
  reader.offer(sent(3, 'b') as never, true, 0);
  const first = reader.next() as Sent;
  expect(reader.ended(first, false), 'the second is held').toEqual([sent(2, 'a')]);
  expect(reader.offer(sent(4, 'a') as never, true, 0)).toBe('held');
  expect(reader.next()).toEqual(sent(3, 'b'));
  expect([reader.freed('a'), reader.freed('a'), reader.freed('a'), reader.freed('a')]).toEqual([true, true, false, false]);
  expect(reader.offer(sent(5, 'a') as never, true, 0)).toBe('queued');
});

test('per subject: what comes after one that failed goes on beside its retries', () => {
  const reader = new Reader<Sent>(0, 'per_subject', 10);
  for (const position of [1, 2]) reader.offer(sent(position, 'a'), true, 0);
  const first = reader.next() as Sent;
  expect(reader.next(), 'one at a time').toBeUndefined();
  expect(reader.ended(first, false)).toEqual([]);
  expect(reader.next()).toEqual(sent(2, 'a'));
});

test('what a job hands over goes when nothing else can, one of a subject at a time, and keeps nobody from being idle when it is done', () => {
  const reader = new Reader<Sent & { position: number | null }>(0, 'per_subject', most);
  const replay = (messageId: string, subject: string) => ({ messageId, subject, position: null });
  for (const [id, subject] of [
    ['a1', 'a'],
    ['a2', 'a'],
    ['b1', 'b'],
  ] as const)
    reader.offerReplay(replay(id, subject) as never);
  reader.offer({ messageId: 'new', subject: 'a', position: 1 }, true, 0);
  expect(reader.next(false, false)?.messageId).toBe('new');
  expect([reader.next(false, false), reader.hasNextBut(true)]).toEqual([undefined, false]);
  expect([reader.next()?.messageId, reader.next()?.messageId, reader.next()]).toEqual(['a1', 'b1', undefined]);
  reader.endedReplay('a');
  expect(reader.next()?.messageId).toBe('a2');
  reader.endedReplay('a');
  reader.endedReplay('b');
  reader.settled(1);
  expect(reader.isIdle).toBe(true);
});
