/* Frames are put together of packets as they were cut, and from a loss to the next key frame none is. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RtpPacket } from './rtp.js';
import { ivfFrameHead, ivfHead, sizeOfKeyFrame, Vp8Frames, vp8PayloadAt } from './vp8.js';

const key = (rest: Uint8Array) => Buffer.concat([Buffer.from([0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01]), rest]);
const later = (rest: Uint8Array) => Buffer.concat([Buffer.from([0x11]), rest]);

function cut(frame: Buffer, timestamp: number, at: number): RtpPacket[] {
  const parts = [frame.subarray(0, at), frame.subarray(at)].filter(({ length }) => length > 0);
  return parts.map((part, index) => ({
    ...{ ssrc: 1, sequence: 0, timestamp, isLast: index === parts.length - 1 },
    payload: Buffer.concat([Buffer.from([0x80 | (index === 0 ? 0x10 : 0), 0x80, 0x81, index]), part]),
  }));
}

test('frames come out as they were, from a key frame on', () => {
  const rest = fc.uint8Array({ minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), rest, fc.nat(60)), { maxLength: 12 }), (all) => {
      const frames = all.map(([isKey, bytes, at]) => ({ bytes: isKey ? key(bytes) : later(bytes), isKey, at: Math.max(1, at) }));
      const made = new Vp8Frames();
      const out = frames.flatMap(({ bytes, at }, index) => cut(bytes, index, at).flatMap((one) => made.take(one, false) ?? []));
      const first = frames.findIndex(({ isKey }) => isKey);
      const expected = first < 0 ? [] : frames.slice(first);
      expect(out.map(({ bytes, isKey }) => [bytes.toString('hex'), isKey])).toEqual(
        expected.map(({ bytes, isKey }) => [bytes.toString('hex'), isKey]),
      );
    }),
  );
});

test('after a loss nothing is shown before the next key frame', () => {
  const made = new Vp8Frames();
  const take = (frame: Buffer, isAfterGap = false) => cut(frame, 0, 100).flatMap((one) => made.take(one, isAfterGap) ?? []).length;
  expect([take(key(Buffer.from('a'))), take(later(Buffer.from('b')))]).toEqual([1, 1]);
  expect(take(later(Buffer.from('c')), true)).toBe(0);
  expect([made.lacksKey, take(later(Buffer.from('d'))), take(key(Buffer.from('e'))), made.lacksKey]).toEqual([true, 0, 1, false]);
});

test('whatever a payload is, it is read or is none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.boolean(), fc.boolean(), (bytes, isLast, isAfterGap) => {
      const payload = Buffer.from(bytes);
      const at = vp8PayloadAt(payload);
      if (at) expect(at.start).toBeLessThan(payload.length);
      expect(new Vp8Frames().take({ ssrc: 1, sequence: 1, timestamp: 1, isLast, payload }, isAfterGap)?.isKey ?? true).toBe(true);
    }),
  );
});

test('a decoder is told the size of a key frame, and how long each frame is', () => {
  const size = sizeOfKeyFrame(key(Buffer.from('x')));
  expect(size).toEqual({ width: 640, height: 360 });
  const head = ivfHead(size);
  expect([head.toString('latin1', 0, 4), head.toString('latin1', 8, 12), head.readUInt16LE(12), head.length]).toEqual([
    'DKIF',
    'VP80',
    640,
    32,
  ]);
  expect([...ivfFrameHead(258, 3000)]).toEqual([2, 1, 0, 0, 0xb8, 0x0b, 0, 0, 0, 0, 0, 0]);
});
