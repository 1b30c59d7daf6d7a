/* Sound goes on at its pace whoever is silent, in whatever pieces it comes, and packets of Opus become pages that any decoder reads. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mixed, SoundQueue } from './mixer.js';
import { OggOpus, samplesOf } from './ogg.js';

const samples = (count: number, value: number) => {
  const bytes = Buffer.alloc(count * 4);
  for (let index = 0; index < count * 2; index += 1) bytes.writeInt16LE(value, index * 2);
  return bytes;
};

test('what is mixed is the sum, cut off where it is too loud, and as long as it is to be', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(60), fc.integer({ min: -32_768, max: 32_767 })), { maxLength: 6 }), (sounds) => {
      const out = mixed(
        sounds.map(([count, value]) => samples(count, value)),
        50,
      );
      expect(out.length).toBe(200);
      for (let index = 0; index < 50; index += 1) {
        const sum = sounds.reduce((all, [count, value]) => all + (index < count ? value : 0), 0);
        expect(out.readInt16LE(index * 4)).toBe(Math.max(-32_768, Math.min(32_767, sum)));
      }
    }),
  );
});

test('sound begins once there is a cushion, goes on without it, and never gets later than half a second', () => {
  const queue = new SoundQueue();
  expect(queue.take(2400)).toBeUndefined();
  queue.push(samples(4800, 1));
  expect(queue.take(2400)).toBeUndefined();
  queue.push(samples(4800, 2));
  expect([queue.take(2400)?.length, queue.take(2400)?.length, queue.take(2400)?.length]).toEqual([9600, 9600, 9600]);
  for (let second = 0; second < 5; second += 1) queue.push(samples(48_000, 3));
  let held = 0;
  for (let taken = queue.take(2400); taken && taken.length === 9600; taken = queue.take(2400)) held += 2400;
  expect(held).toBeLessThanOrEqual(24_000);
});

test('a page says how long it is, what it has, and when it ends', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 1200 }), (bytes) => {
      const packet = Buffer.concat([Buffer.from([0x78]), bytes]);
      const pages = new OggOpus(7);
      expect(pages.head().toString('latin1')).toContain('OpusHead');
      const page = pages.packet(packet);
      if (!page) throw new Error('no page');
      const laces = page[26] ?? 0;
      const length = [...page.subarray(27, 27 + laces)].reduce((all, one) => all + one, 0);
      expect([page.toString('latin1', 0, 4), page.readBigUInt64LE(6), length]).toEqual(['OggS', 960n, packet.length]);
      expect(page.subarray(27 + laces).equals(packet)).toBe(true);
    }),
  );
});

test('how long a packet plays is told by its first bytes (RFC 6716), and what is none plays nothing', () => {
  // CELT of 20 ms; two frames of 10 ms; SILK of 60 ms; three frames of 20 ms as its second byte says; and nothing.
  expect([[0xf8], [0xf1], [0x18], [0xfb, 3], []].map((bytes) => samplesOf(Buffer.from(bytes)))).toEqual([960, 960, 2880, 2880, 0]);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 4 }), (bytes) => void expect(samplesOf(Buffer.from(bytes))).toBeLessThanOrEqual(5760)));
});
