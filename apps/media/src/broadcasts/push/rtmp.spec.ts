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

test('what is no RTMP is refused, or waits for more that never comes, and holds little', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 }), (pieces) => {
      const reader = new ChunkReader();
      try {
        for (const piece of pieces) reader.take(Buffer.from(piece));
      } catch (error) {
        expect(error).toBeInstanceOf(ChunkFault);
      }
    }),
  );
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
