/*
 * Wherever files are kept, they come back whole and in parts, byte for byte, once more in the place of what was there, and are gone when they are deleted; large
 * ones go to S3 in parts, each asked to be encrypted; and no server is connected to that an app may not name.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { AddressGuard } from '@communication-center/service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DiskStore } from './disk-store.js';
import type { FileStore } from './file-store.js';
import { GuardedHandler } from './guarded-handler.js';
import { S3Server } from './s3-server.fixture.js';
import { S3Store } from './s3-store.js';

let server: S3Server;
let folder: string;
const never = new AbortController().signal;
const guardOf = (isOpen: boolean) =>
  new AddressGuard({ PROFILE: 'production', ALLOW_PRIVATE_ADDRESSES: isOpen, OUTSIDE_PORTS: [443], OUTSIDE_ALLOWED: [] });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stores-'));
  server = await S3Server.start();
}, 120_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true });
});

async function fileOf(bytes: Buffer): Promise<{ path: string; contentType: string }> {
  const path = join(folder, `file-${randomBytes(4).toString('hex')}`);
  await writeFile(path, bytes);
  return { path, contentType: 'video/mp4' };
}
async function readWhole(store: FileStore, key: string, start = 0, end = 2 ** 30): Promise<Buffer | undefined> {
  const bytes = await store.read(key, { start, end });
  return bytes && buffer(bytes);
}

describe.each([
  ['disks', () => new DiskStore(join(folder, 'kept'))],
  ['a server that speaks S3', () => new S3Store(server.place)],
  ['an app’s server, over connections of the guard', () => new S3Store(server.place, new GuardedHandler(guardOf(true).connector()))],
])('on %s', (_, open) => {
  test('files come back whole and in parts, are replaced, and are gone when they are deleted', async () => {
    const store = open();
    const key = `app/${randomBytes(4).toString('hex')}/call.mp4`;
    const [first, second] = [randomBytes(100_000), randomBytes(50_000)];
    await store.keep(key, await fileOf(first), never);
    expect((await readWhole(store, key))?.equals(first)).toBe(true);
    expect((await readWhole(store, key, 10, 19))?.equals(first.subarray(10, 20))).toBe(true);
    await store.keep(key, await fileOf(second), never);
    expect((await readWhole(store, key))?.equals(second)).toBe(true);
    await store.remove([key, 'app/nothing/there']);
    expect(await readWhole(store, key)).toBeUndefined();
  });
});

test('a large file goes to S3 in parts, and is asked to be encrypted', async () => {
  const store = new S3Store(server.place);
  const large = randomBytes(20 * 1_048_576);
  server.heard.length = 0;
  await store.keep('app/large/call.mp4', await fileOf(large), never);
  expect((await readWhole(store, 'app/large/call.mp4'))?.equals(large)).toBe(true);
  const parts = server.heard.filter((head) => /partNumber=\d/.test(head));
  expect(parts.length).toBe(3);
  const [begun] = server.heard.filter((head) => head.startsWith('POST') && head.includes('?uploads'));
  expect(begun?.toLowerCase()).toContain('x-amz-server-side-encryption: aes256');
});

test('a small one is asked to be encrypted as well, by the key that is named, and not where nobody wishes it', async () => {
  server.heard.length = 0;
  const small = await fileOf(randomBytes(10));
  await new S3Store({ ...server.place, encryption: 'aws:kms', kmsKeyId: 'key-1' }).keep('app/small/a', small, never);
  await new S3Store({ ...server.place, encryption: 'none' }).keep('app/small/b', small, never);
  const [kms = '', plain = ''] = server.heard.filter((head) => head.startsWith('PUT')).map((head) => head.toLowerCase());
  expect(kms).toContain('x-amz-server-side-encryption: aws:kms');
  expect(kms).toContain('x-amz-server-side-encryption-aws-kms-key-id: key-1');
  expect(plain).not.toContain('server-side-encryption');
});

test('a server that an app may not name is not connected to, and one that refuses is told', async () => {
  server.heard.length = 0;
  const file = await fileOf(randomBytes(10));
  const closed = new S3Store(server.place, new GuardedHandler(guardOf(false).connector()));
  await expect(closed.keep('app/a/b', file, never)).rejects.toThrow('no address of the public internet');
  expect(server.heard).toEqual([]);
  await expect(new S3Store({ ...server.place, secretAccessKey: 'another' }).keep('app/a/b', file, never)).rejects.toThrow();
});

test('a server that takes no more in the middle of a part is given up after a time, and gets that part again', async () => {
  const store = new S3Store(server.place, new GuardedHandler(undefined, 3000));
  const large = randomBytes(20 * 1_048_576);
  server.heard.length = 0;
  server.hang(1, 4 * 1_048_576);
  await store.keep('app/hung/call.mp4', await fileOf(large), never);
  expect((await readWhole(store, 'app/hung/call.mp4'))?.equals(large)).toBe(true);
  expect([server.hung, server.heard.filter((head) => /partNumber=\d/.test(head)).length]).toEqual([1, 4]);
});

test('one that never takes more is told as a fault, after three tries', async () => {
  const store = new S3Store(server.place, new GuardedHandler(undefined, 300));
  server.hang(10, 100_000);
  await expect(store.keep('app/hung/more', await fileOf(randomBytes(4 * 1_048_576)), never)).rejects.toThrow('The connection broke');
  expect(server.hung).toBe(3);
  server.hang(0, 0);
});

test('what was left off leaves nothing', async () => {
  const aborted = new AbortController();
  aborted.abort();
  await expect(new S3Store(server.place).keep('app/left/off', await fileOf(randomBytes(20 * 1_048_576)), aborted.signal)).rejects.toThrow();
  expect(await readWhole(new S3Store(server.place), 'app/left/off')).toBeUndefined();
  expect((await readdir(folder)).every((name) => !name.endsWith('.draft'))).toBe(true);
});
