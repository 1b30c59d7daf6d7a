/* However the bytes of frames are cut into pieces, it is known where a frame ends; and so a close frame can be set between two. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameEdges } from './frame-edges.js';

function frame({ size, isMasked, opcode }: { size: number; isMasked: boolean; opcode: number }): Uint8Array {
  const length =
    size < 126 ? [size] : size < 65_536 ? [126, size >> 8, size & 0xff] : [127, 0, 0, 0, 0, 0, size >> 16, (size >> 8) & 0xff, size & 0xff];
  const [first = 0, ...more] = length;
  // What is inside looks like the beginning of other frames.
  return Uint8Array.from([
    0x80 | opcode,
    first | (isMasked ? 0x80 : 0),
    ...more,
    ...(isMasked ? [1, 2, 3, 4] : []),
    ...Array(size).fill(0x81),
  ]);
}

const frames = fc.array(
  fc.record({
    size: fc.oneof(fc.nat(130), fc.constantFrom(0, 125, 126, 127, 65_535, 65_536, 70_000)),
    isMasked: fc.boolean(),
    opcode: fc.constantFrom(0, 1, 2, 9, 10),
  }),
  { minLength: 1, maxLength: 6 },
);

test('an edge is where a frame ends, and nowhere else', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1 }), (sent, cuts) => {
      const bytes = Buffer.concat(sent.map(frame));
      let end = 0;
      const ends = sent.map((one) => (end += frame(one).length));
      const edges = new FrameEdges();
      for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
        const piece = bytes.subarray(at, at + (cuts[cut % cuts.length] ?? 1));
        const first = edges.pass(piece);
        const expected = ends.find((one) => one > at && one <= at + piece.length);
        expect(first).toBe(expected === undefined ? undefined : expected - at);
        at += piece.length;
        expect(edges.atEdge).toBe(ends.includes(at));
      }
      expect(edges.hasClosed).toBe(false);
    }),
  );
});

test('a close frame is known by its opcode, also in two pieces', () => {
  const edges = new FrameEdges();
  const [one, two] = [Uint8Array.from([0x88]), Uint8Array.from([0x02, 0x03, 0xe8])];
  expect([edges.pass(one), edges.hasClosed]).toEqual([undefined, false]);
  expect([edges.pass(two), edges.hasClosed, edges.atEdge]).toEqual([3, true, true]);
});
