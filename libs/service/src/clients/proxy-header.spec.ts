/* What a proxy says before a connection is read as its specification has it; anything else is refused, and nothing throws or is waited for without an end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { proxyHeaderLimits, readProxyHeader } from './proxy-header.js';

const first = (line: string) => readProxyHeader(Buffer.from(`${line}\r\nGET`));
const start = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
const second = (command: number, family: number, about: number[], length = about.length) =>
  Buffer.from([...start, command, family, length >> 8, length & 0xff, ...about]);
const v4 = [198, 51, 100, 1, 10, 0, 0, 1, 0x12, 0x34, 0x01, 0xbb];
const v6 = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, ...Array<number>(16).fill(0), 0x12, 0x34, 0x01, 0xbb];

test.each([
  ['PROXY TCP4 198.51.100.1 10.0.0.1 4660 443', { address: '198.51.100.1', port: 4660 }],
  ['PROXY TCP6 2001:db8::9 2001:db8::1 4660 443', { address: '2001:db8::9', port: 4660 }],
  ['PROXY UNKNOWN', undefined],
  ['PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535', undefined],
])('version 1: %s', (line, source) => {
  expect(first(line)).toEqual({ bytes: line.length + 2, source });
});

test.each([
  'PROXY TCP4 2001:db8::9 2001:db8::1 1 2',
  'PROXY TCP6 198.51.100.1 10.0.0.1 1 2',
  'PROXY TCP4 198.51.100.1 10.0.0.1 65536 443',
  'PROXY TCP4 198.51.100.1 10.0.0.1 -1 443',
  'PROXY TCP4 198.51.100.1  10.0.0.1 1 443',
  'PROXY TCP4 0198.51.100.1 10.0.0.1 1 443',
  'PROXY UDP4 198.51.100.1 10.0.0.1 1 443',
  'PROXY UNKNOWNS',
  'PROXY ',
  'GET / HTTP/1.1',
  `PROXY UNKNOWN ${'x'.repeat(100)}`,
])('%s is no header of version 1', (line) => {
  expect(first(line)).toBe('wrong');
});

test('version 2 tells addresses of both kinds, and may add what is passed over', () => {
  expect(readProxyHeader(second(0x21, 0x11, v4))).toEqual({ bytes: 28, source: { address: '198.51.100.1', port: 4660 } });
  expect(readProxyHeader(second(0x21, 0x21, v6))).toEqual({ bytes: 52, source: { address: '2001:db8:0:0:0:0:0:9', port: 4660 } });
  expect(readProxyHeader(second(0x21, 0x11, [...v4, 4, 0, 1, 0]))).toEqual({ bytes: 32, source: { address: '198.51.100.1', port: 4660 } });
});

test('a connection of the proxy itself, and one that it cannot name, are the proxy’s own', () => {
  for (const own of [second(0x20, 0, []), second(0x20, 0x11, v4), second(0x21, 0, []), second(0x21, 0x31, Array(216).fill(0))])
    expect(readProxyHeader(own)).toEqual({ bytes: own.length, source: undefined });
});

test('another version, another command, too few bytes for an address, and a header without an end are wrong', () => {
  const most = proxyHeaderLimits.secondBytes;
  for (const bad of [second(0x11, 0x11, v4), second(0x22, 0x11, v4), second(0x21, 0x11, v4.slice(1)), second(0x21, 0x21, v4)])
    expect(readProxyHeader(bad)).toBe('wrong');
  expect(readProxyHeader(second(0x21, 0x11, v4, most - 15))).toBe('wrong');
  expect(readProxyHeader(second(0x21, 0x11, v4, most - 16))).toBe('more');
});

test('a header that comes in pieces is waited for, and is then what it would have been at once', () => {
  for (const whole of [second(0x21, 0x11, v4), second(0x21, 0x21, v6), Buffer.from('PROXY TCP4 198.51.100.1 10.0.0.1 4660 443\r\n')]) {
    for (let length = 0; length < whole.length; length += 1) expect(readProxyHeader(whole.subarray(0, length))).toBe('more');
    expect(readProxyHeader(Buffer.concat([whole, Buffer.from('rest')]))).toMatchObject({ bytes: whole.length });
  }
});

test('whatever comes is a header, not yet one or none; more than any may have is never waited for', () => {
  const like = fc.constantFrom(
    Buffer.from('PROXY TCP4 198.51.100.1 10.0.0.1 4660 443\r\n'),
    Buffer.from('PROXY UNKNOWN\r\n'),
    second(0x21, 0x11, v4),
    second(0x21, 0x21, v6),
  );
  const change = fc.record({ at: fc.nat(60), remove: fc.nat(4), put: fc.uint8Array({ maxLength: 6 }) });
  fc.assert(
    fc.property(fc.oneof(like, fc.uint8Array({ maxLength: 300 })), fc.array(change, { maxLength: 5 }), (from, changes) => {
      const bytes = changes.reduce<Buffer>(
        (whole, { at, remove, put }) => Buffer.concat([whole.subarray(0, at), put, whole.subarray(at + remove)]),
        Buffer.from(from),
      );
      const read = readProxyHeader(bytes);
      if (typeof read === 'object') {
        expect(read.bytes).toBeLessThanOrEqual(Math.min(bytes.length, proxyHeaderLimits.secondBytes));
        // What follows a header changes nothing in it.
        expect(readProxyHeader(Buffer.concat([bytes, from]))).toEqual(read);
      }
      expect(readProxyHeader(Buffer.concat([bytes, Buffer.alloc(proxyHeaderLimits.secondBytes)]))).not.toBe('more');
    }),
    { numRuns: 2000 },
  );
});
