/* The console comes as small as the browser takes it; what is named by its content is kept for a year, and the page asks each time. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesOf } from './console-files.js';

const folder = mkdtempSync(join(tmpdir(), 'console-'));
const script = 'export const said = 1;'.repeat(100);
let server: FastifyInstance;

beforeAll(async () => {
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(folder, 'assets/index-abc.js'), script);
  writeFileSync(join(folder, 'assets/index-abc.js.br'), brotliCompressSync(script));
  writeFileSync(join(folder, 'assets/index-abc.js.gz'), gzipSync(script));
  server = fastify();
  await server.register(fastifyStatic, filesOf(folder));
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const ask = (url: string, encodings?: string) =>
  server.inject({ url, headers: { ...(encodings && { 'accept-encoding': encodings }), origin: 'https://shop.example.com' } });

test.each([
  ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
  ['gzip, deflate', 'gzip', gunzipSync],
  [undefined, undefined, (body: Buffer) => body],
] as const)('whoever takes %s gets it in %s', async (taken, encoding, read) => {
  const answer = await ask('/assets/index-abc.js', taken);
  expect([answer.statusCode, answer.headers['content-encoding']]).toEqual([200, encoding]);
  expect(answer.headers['content-type']).toContain('javascript');
  expect(answer.headers.vary).toContain('accept-encoding');
  expect(String(read(answer.rawPayload))).toBe(script);
});

test('what is named by its content is kept for a year, the page is asked about each time and then costs no body', async () => {
  expect((await ask('/assets/index-abc.js', 'br')).headers['cache-control']).toBe('public, max-age=31536000, immutable');
  const page = await ask('/', 'br');
  expect([page.statusCode, page.headers['cache-control']]).toEqual([200, 'no-cache']);
  const again = await server.inject({ url: '/', headers: { 'if-none-match': page.headers.etag as string } });
  expect([again.statusCode, again.body]).toEqual([304, '']);
});
