/* Whatever a server sends is read as RTMP, or ends the push; and what is sent is what another reads. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AmfFault, type AmfValue, readAmf, writeAmf } from './amf.js';
import { FlvFault, FlvReader } from './flv.js';
import { ChunkFault, ChunkReader, writeChunks } from './rtmp-chunks.js';

const { value } = fc.letrec<{ value: AmfValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true }),
    fc.string({ maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.string({ minLength: 1, maxLength: 8 }).filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 3, noNullPrototype: true },
    ),
  ),
}));

test('values are read as they were written', () => {
  fc.assert(fc.property(fc.array(value, { maxLength: 5 }), (values) => void expect(readAmf(writeAmf(...values))).toEqual(values)));
});

test('what are no values is refused, and never read for ever', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        readAmf(Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(AmfFault);
      }
    }),
  );
});

const message = fc.record({
  type: fc.constantFrom(8, 9, 18, 20),
  stream: fc.nat(10),
  at: fc.oneof(fc.nat(100_000), fc.integer({ min: 0xfffff0, max: 0x7fffffff })),
  bytes: fc.uint8Array({ maxLength: 9000 }).map((bytes) => Buffer.from(bytes)),
});

test('messages are read as they were sent, in whatever pieces they come', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), fc.integer({ min: 1, max: 5000 }), (messages, piece) => {
      const sent = Buffer.concat(messages.map((one) => writeChunks(one, one.type === 9 ? 6 : 4, 128)));
      const reader = new ChunkReader();
      const read = [];
      for (let at = 0; at < sent.length; at += piece) read.push(...reader.take(sent.subarray(at, at + piece)));
      expect(read.map((one) => ({ ...one, bytes: one.bytes.toString('hex') }))).toEqual(
        messages.map((one) => ({ ...one, bytes: one.bytes.toString('hex') })),
      );
    }),
    { numRuns: 50 },
  );
});

/** Something like chunks: heads of every kind, of few chunk streams, with lengths and sizes that lie. */
const chunkLike = fc
  .record({
    kind: fc.nat(3),
    id: fc.oneof(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 0, max: 63 })),
    type: fc.constantFrom(1, 2, 3, 4, 5, 20),
    length: fc.oneof(fc.nat(300), fc.nat(70_000)),
    body: fc.uint8Array({ maxLength: 400 }),
  })
  .map(({ kind, id, type, length, body }) => {
    const head = Buffer.alloc([12, 8, 4, 1][kind] ?? 1);
    head[0] = (kind << 6) | id;
    if (kind < 2) head.writeUIntBE(length, 4, 3);
    if (kind < 2) head[7] = type;
    return Buffer.concat([head, body]);
  });

test('what is no RTMP is refused, or waits for more that never comes, and holds little', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)),
    chunkLike,
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const reader = new ChunkReader();
      try {
        for (const one of pieces) {
          for (const { type, bytes } of reader.take(one)) if (type === 20) readAmf(bytes);
          expect(reader.keptBytes).toBeLessThan(263_000);
        }
      } catch (error) {
        if (!(error instanceof AmfFault)) expect(error).toBeInstanceOf(ChunkFault);
      }
    }),
    { numRuns: 300 },
  );
});

test('chunks of one byte, sent byte by byte, cost what their bytes do', () => {
  const reader = new ChunkReader();
  const size = Buffer.from([0, 0, 0, 1]);
  reader.take(writeChunks({ type: 1, stream: 0, at: 0, bytes: size }, 2, 128));
  const sent = writeChunks({ type: 20, stream: 0, at: 0, bytes: Buffer.alloc(60_000, 7) }, 3, 1);
  const began = performance.now();
  let whole = 0;
  for (let at = 0; at < sent.length; at += 1) whole += reader.take(sent.subarray(at, at + 1)).length;
  expect(whole).toBe(1);
  // A copy of all that is held with each byte would be some gigabytes.
  expect(performance.now() - began).toBeLessThan(5000);
});

test('a message that is too long, or too many at once, is refused before it is kept; one that is broken off is kept no longer', () => {
  const begun = (id: number, length: number) => {
    const head = Buffer.alloc(12);
    head[0] = id;
    head.writeUIntBE(length, 4, 3);
    head[7] = 20;
    return Buffer.concat([head, Buffer.alloc(Math.min(128, length))]);
  };
  expect(() => new ChunkReader().take(begun(3, 65_537))).toThrow(ChunkFault);
  const many = new ChunkReader();
  expect(() => {
    for (let id = 3; id < 20; id += 1) many.take(begun(id, 60_000));
  }).toThrow('too many messages at once');
  const reader = new ChunkReader();
  reader.take(begun(3, 60_000));
  expect(reader.keptBytes).toBe(60_000);
  reader.take(writeChunks({ type: 2, stream: 0, at: 0, bytes: Buffer.from([0, 0, 0, 3]) }, 2, 128));
  expect(reader.keptBytes).toBe(0);
  for (const [index, size] of [0, 0x1000000].entries()) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(size);
    expect(() => new ChunkReader().take(writeChunks({ type: 1, stream: 0, at: index, bytes }, 2, 128))).toThrow('chunks of no size');
  }
});

test('values within values go so deep and no deeper, and a list is no longer than what there is', () => {
  const nested = (depth: number): AmfValue => (depth === 0 ? null : { a: nested(depth - 1) });
  expect(readAmf(writeAmf(nested(8)))).toEqual([nested(8)]);
  expect(() => readAmf(writeAmf(nested(9)))).toThrow('values within values');
  expect(() => readAmf(Buffer.from([10, 0xff, 0xff, 0xff, 0xff, 5]))).toThrow('values break off');
  expect(() => readAmf(Buffer.from([12, 0xff, 0xff, 0xff, 0xff, 5]))).toThrow('values break off');
});

test('tags of FLV are read in whatever pieces they come, and what is none is refused', () => {
  const tag = fc.record({ type: fc.constantFrom(8, 9, 18), at: fc.nat(0x7fffffff), bytes: fc.uint8Array({ maxLength: 300 }) });
  fc.assert(
    fc.property(fc.array(tag, { maxLength: 6 }), fc.integer({ min: 1, max: 400 }), (tags, piece) => {
      const parts = tags.map(({ type, at, bytes }) => {
        const head = Buffer.alloc(11);
        head[0] = type;
        head.writeUIntBE(bytes.length, 1, 3);
        head.writeUIntBE(at & 0xffffff, 4, 3);
        head[7] = at >>> 24;
        return Buffer.concat([head, bytes, Buffer.alloc(4)]);
      });
      const file = Buffer.concat([Buffer.from('FLV\x01\x05\0\0\0\x09\0\0\0\0', 'latin1'), ...parts]);
      const reader = new FlvReader();
      const read = [];
      for (let at = 0; at < file.length; at += piece) read.push(...reader.take(file.subarray(at, at + piece)));
      expect(read.map(({ bytes, ...rest }) => ({ ...rest, bytes: [...bytes] }))).toEqual(
        tags.map(({ bytes, ...rest }) => ({ ...rest, bytes: [...bytes] })),
      );
    }),
  );
  expect(() => new FlvReader().take(Buffer.from('no video at all'))).toThrow(FlvFault);
});
