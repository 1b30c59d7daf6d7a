/*
 * What Janus wrote is read wherever its bytes are cut, as far as it goes, and never fails; what was sent without a break is one piece, aligned on the
 * packets that came with the least delay, whatever jitter the first ones had.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headerOfPiece, type MjrHeader, MjrScan, readMjrHeader } from './mjr.js';

const firstAt = 1_795_000_000_000_000;
const header = (more: object = {}) => {
  const text = Buffer.from(JSON.stringify({ t: 'a', c: 'opus', s: firstAt - 900, u: firstAt, ...more }));
  const size = Buffer.alloc(2);
  size.writeUInt16BE(text.length);
  return Buffer.concat([Buffer.from('MJR00002'), size, text]);
};
const packet = (arrivedMs: number, timestamp: number, bytes = 20) => {
  const head = Buffer.alloc(10);
  head.write('MEET', 'latin1');
  head.writeUInt32BE(arrivedMs, 4);
  head.writeUInt16BE(12 + bytes, 8);
  const rtp = Buffer.alloc(12 + bytes);
  rtp.writeUInt32BE(timestamp >>> 0, 4);
  return Buffer.concat([head, rtp]);
};
const parsed = (file: Buffer): MjrHeader => {
  const read = readMjrHeader(file);
  if (!read || read === 'short') throw new Error('no header');
  return read;
};
const piecesOf = (file: Buffer, cuts: readonly number[] = []) => {
  const scan = new MjrScan(parsed(file));
  const body = file.subarray(parsed(file).length);
  const ends = [...cuts.map((cut) => cut % (body.length + 1)), body.length].sort((one, other) => one - other);
  let from = 0;
  for (const to of ends) {
    scan.take(body.subarray(from, to));
    from = to;
  }
  return scan.pieces;
};
/** So many packets of 20 ms of Opus, from one moment on, that come when they should. */
const steady = (count: number, { fromMs = 0, ticks = 4_294_967_000 } = {}) =>
  Array.from({ length: count }, (_, index) => packet(fromMs + index * 20, ticks + index * 960));

describe('the header', () => {
  test('says what the file has, and when its first packet came', () => {
    const file = header({ t: 'v', c: 'vp8', d: 'screen' });
    expect(parsed(file)).toMatchObject({ media: 'video', codec: 'vp8', description: 'screen', firstAt, length: file.length });
  });

  test('is waited for while it is short, and refused where it is none', () => {
    const file = header();
    for (let length = 0; length < file.length; length += 1) expect(readMjrHeader(file.subarray(0, length))).toBe('short');
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 10, maxLength: 200 }), (bytes) => {
        expect(readMjrHeader(Buffer.from(bytes))).toBeUndefined();
        const claimed = Buffer.concat([Buffer.from('MJR00002'), Buffer.from(bytes)]);
        expect([undefined, 'short']).toContain(readMjrHeader(claimed));
      }),
    );
  });
});

describe('the packets', () => {
  test('that come without a break are one piece, wherever the bytes are cut, and however timestamps go round', () => {
    const file = Buffer.concat([header(), ...steady(500)]);
    const [piece, ...others] = piecesOf(file);
    expect(others).toEqual([]);
    expect(piece).toMatchObject({ packets: 500, firstAtMs: firstAt / 1000, startsAtMs: firstAt / 1000, durationMs: 499 * 20 });
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 20 }), (cuts) => {
        expect(piecesOf(file, cuts)).toEqual([piece]);
      }),
      { numRuns: 30 },
    );
  });

  test('that came late at first are placed where they would have come without that delay', () => {
    const late = [
      packet(0, 0),
      packet(10, 960),
      packet(12, 1920),
      ...Array.from({ length: 100 }, (_, index) => packet(13 + 20 * index, 2880 + 960 * index)),
    ];
    const [piece] = piecesOf(Buffer.concat([header(), ...late]));
    expect(piece?.startsAtMs).toBeCloseTo(firstAt / 1000 - 47, 5);
  });

  test('before which nothing came for seconds, or whose clock is another, begin another piece, which can stand alone', () => {
    const parts = [
      ...steady(50, { ticks: 0 }),
      ...steady(50, { fromMs: 9000, ticks: 48_000 }),
      ...steady(50, { fromMs: 10_000, ticks: 9_000_000 }),
    ];
    const file = Buffer.concat([header(), ...parts]);
    const pieces = piecesOf(file);
    expect(pieces.map(({ packets, firstAtMs }) => [packets, firstAtMs - firstAt / 1000])).toEqual([
      [50, 0],
      [50, 9000],
      [50, 10_000],
    ]);
    const [, second] = pieces;
    if (!second) throw new Error('no second piece');
    const alone = Buffer.concat([headerOfPiece(parsed(file), second), file.subarray(second.from, second.to)]);
    expect(parsed(alone).firstAt).toBe(firstAt + 9_000_000);
  });

  test('end where the file does, in the middle of one or in something else', () => {
    const file = Buffer.concat([header(), ...steady(10)]);
    expect(piecesOf(file.subarray(0, file.length - 5))[0]?.packets).toBe(9);
    expect(piecesOf(Buffer.concat([file, Buffer.alloc(4096)]))[0]?.packets).toBe(10);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect(piecesOf(Buffer.concat([file, Buffer.from(bytes)])).length).toBeLessThanOrEqual(200);
      }),
    );
  });
});
