/* Packets come in their order, each once, however they were mixed up on their way; and whatever comes by UDP is read, or passed over. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InSequence, type RtpPacket, readRtp, sequenceAfter } from './rtp.js';

const packet = (sequence: number): RtpPacket => ({
  ssrc: 1,
  sequence: sequence & 0xffff,
  timestamp: 0,
  isLast: true,
  payload: Buffer.alloc(0),
});

test('whatever comes by UDP is read, or is none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const read = readRtp(Buffer.from(bytes));
      if (read) expect(read.payload.length).toBeLessThanOrEqual(bytes.length - 12);
    }),
  );
});

test('what senders add to a packet, and fill it up with, is no payload', () => {
  const head = Buffer.from([0xb1, 0xe0, 0x12, 0x34, 0, 0, 0, 9, 0, 0, 0, 7]);
  const sources = Buffer.alloc(4);
  const extension = Buffer.from([0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
  const read = readRtp(Buffer.concat([head, sources, extension, Buffer.from('media'), Buffer.from([0, 0, 3])]));
  expect(read).toMatchObject({ ssrc: 7, sequence: 0x1234, timestamp: 9, isLast: true });
  expect(read?.payload.toString()).toBe('media');
});

test('packets that come in another order, and twice, come out in theirs, across the end of the numbers', () => {
  const swaps = fc.array(fc.nat(20), { minLength: 30, maxLength: 30 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff }), swaps, (first, late) => {
      // The first is where it begins; each other comes so many later.
      const order = Array.from({ length: 30 }, (_, index) => ({ index, at: index === 0 ? -1 : index + (late[index] ?? 0) })).toSorted(
        (one, other) => one.at - other.at,
      );
      const queue = new InSequence();
      const out = order.flatMap(({ index }) => [packet(first + index), packet(first + index)].flatMap((one) => queue.take(one, 0)));
      expect(out.map(({ packet: one }) => one.sequence)).toEqual(order.map((_, index) => (first + index) & 0xffff));
      expect(out.some(({ isAfterGap }) => isAfterGap)).toBe(false);
    }),
  );
});

test('what never comes is waited for no longer than it may take, and said to lack', () => {
  const queue = new InSequence();
  expect(queue.take(packet(1), 0)).toHaveLength(1);
  expect(queue.take(packet(3), 10)).toEqual([]);
  expect(queue.take(packet(4), 100)).toEqual([]);
  const out = queue.take(packet(5), 170);
  expect(out.map(({ packet: one, isAfterGap }) => [one.sequence, isAfterGap])).toEqual([
    [3, true],
    [4, false],
    [5, false],
  ]);
  expect(queue.take(packet(2), 180)).toEqual([]);
});

test('a number is after another by the shorter way round', () => {
  expect([sequenceAfter(1, 65_535), sequenceAfter(65_535, 1), sequenceAfter(5, 5)]).toEqual([2, -2, 0]);
});
