/* An app's origins are what browsers send as Origin, letter by letter: anything else would never match, and is refused. */
import { expect, test } from 'vitest';
import { appOptionsSchema } from './directory.js';

const isTaken = (...allowedOrigins: string[]) => appOptionsSchema.safeParse({ allowedOrigins }).success;

test.each([
  'https://shop.example.com',
  'http://localhost:5173',
  'https://xn--bcher-kva.example',
  'http://[::1]:8080',
  'https://shop.example.com:8443',
  'capacitor://localhost',
])('%s', (origin) => {
  expect(isTaken(origin)).toBe(true);
});

test.each([
  '*',
  'null',
  '',
  'shop.example.com',
  'https://',
  'https://shop.example.com/',
  'https://shop.example.com/page',
  'https://Shop.example.com',
  'https://user@shop.example.com',
  'https://shop.example.com,https://other.example.com',
  'https://*.example.com',
  'https://bücher.example',
  'https://shop.example.com:443',
  'http://shop.example.com:80',
  `https://${'a'.repeat(260)}.example`,
])('not %j', (origin) => {
  expect(isTaken(origin)).toBe(false);
});

test('fifty at most; none is a choice too, and differs from leaving it to the installation', () => {
  const some = (count: number) => Array.from({ length: count }, (_, number) => `https://${number}.example.com`);
  expect([isTaken(...some(50)), isTaken(...some(51))]).toEqual([true, false]);
  expect(appOptionsSchema.parse({ allowedOrigins: [] }).allowedOrigins).toEqual([]);
  expect(appOptionsSchema.parse({})).not.toHaveProperty('allowedOrigins');
});
