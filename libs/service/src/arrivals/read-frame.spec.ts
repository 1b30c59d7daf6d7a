/*
 * Whatever a socket sends, it is a frame of the protocol or a short refusal; nothing ends in an exception.
 */
import { clientFrameSchema, mediaClientFrameSchema } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf, readFrame } from './read-frame.js';

const codeOf = (frame: string | Buffer) => readFrame(clientFrameSchema, Buffer.from(frame)).problem?.code;
const dial = { type: 'dial', id: 1, commandId: 'command-1', callees: ['bob'] };

test.each([
  ['overlong UTF-8', Buffer.from([0x7b, 0x22, 0xc0, 0x80, 0x22, 0x7d])],
  ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ['nesting without end', '['.repeat(60_000)],
  ['a key without end', `{"${'k'.repeat(2000)}":1}`],
  ['no JSON', 'hello'],
  ['JSON that is no frame', '[1]'],
])('%s is no frame', (_what, frame) => {
  expect(codeOf(frame)).toBe('malformed_frame');
});

test('a field with what cannot be kept is named, and the frame keeps its id', () => {
  const { problem, id } = readFrame(clientFrameSchema, Buffer.from(JSON.stringify({ ...dial, customData: { a: '\0' } })));
  expect([problem?.code, problem?.fields?.map(({ field }) => field), id]).toEqual(['invalid_request', ['customData'], 1]);
});

test('a refusal is short, however many faults a frame has', () => {
  const { problem } = readFrame(clientFrameSchema, Buffer.from(JSON.stringify({ ...dial, callees: Array(9000).fill('') })));
  expect(JSON.stringify(problem?.toSocketError()).length).toBeLessThan(16_384);
});

test('whatever bytes come, they are a frame or refused', () => {
  const corpus = [
    dial,
    { type: 'ping' },
    { type: 'watch', id: 'a', userAliases: ['a'] },
    { type: 'join', token: 'a.b.c' },
    { type: 'candidate', peer: 'publisher', candidate: null },
  ];
  const mutated = fc
    .tuple(
      fc.constantFrom(...corpus),
      fc.nat(90),
      fc.nat(8),
      fc.oneof(
        fc.string({ maxLength: 6, unit: 'binary' }),
        fc.constantFrom('\\u0000', '\\ud800', '__proto__', 'constructor', '[', '{', '"', 'null', '1e999', '-0'),
      ),
    )
    .map(([frame, at, gone, put]) => {
      const text = JSON.stringify(frame);
      return Buffer.from(text.slice(0, at) + put + text.slice(at + gone));
    });
  const bytes = fc.oneof(
    mutated,
    fc.uint8Array({ maxLength: 80 }).map((one) => Buffer.from(one)),
    fc.json().map((one) => Buffer.from(one)),
  );
  fc.assert(
    fc.property(bytes, (frame) => {
      for (const schema of [clientFrameSchema, mediaClientFrameSchema]) {
        const read = readFrame(schema, frame);
        if (read.problem) expect(['malformed_frame', 'invalid_request']).toContain(read.problem.code);
        else expect(JSON.stringify(read.frame).isWellFormed()).toBe(true);
      }
    }),
    { numRuns: 3000 },
  );
});

test('bytes are handed over as they came, in one piece or several', () => {
  const whole = Buffer.from('{}');
  expect(bytesOf(whole)).toBe(whole);
  expect(String(bytesOf([Buffer.from('{'), Buffer.from('}')]))).toBe('{}');
});
