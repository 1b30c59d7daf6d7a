/*
 * Whoever failed too often waits, one answer a second and connection, and what it does not wait for is not looked at; the rest of the world
 * does not wait. However many come, few are held, few are let go at a time, and the rest hear at once.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { HeldBack } from './held-back.js';

let server: Server;
let heldBack: HeldBack;
let served: string[];
/** Whether too much failed from the address of everybody here. */
let isFlooded: boolean;
const open: Socket[] = [];

beforeEach(async () => {
  served = [];
  isFlooded = false;
  const failures = { mustWait: ({ credential }: { credential: string }) => credential.startsWith('wrong'), isOver: () => isFlooded };
  const clients = { countedAddressOf: () => '192.0.2.1', sourceOf: () => ({ address: '192.0.2.1' }) };
  heldBack = new HeldBack(failures as never, clients as never);
  server = createServer((request, response) => {
    served.push(request.url ?? '');
    response.statusCode = request.headers.authorization?.startsWith('Bearer wrong') ? 429 : 200;
    response.end();
  });
  heldBack.guard(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  vi.useRealTimers();
  for (const socket of open.splice(0)) socket.destroy();
  server.closeAllConnections();
  server.close();
});

const asking = (path: string, credential: string) => `GET ${path} HTTP/1.1\r\nHost: door\r\nAuthorization: Bearer ${credential}\r\n\r\n`;

async function line(): Promise<{ socket: Socket; heard: () => string }> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  open.push(socket);
  let heard = '';
  socket.on('data', (data) => (heard += String(data)));
  await once(socket, 'connect');
  return { socket, heard: () => heard };
}

const statuses = (heard: string) => [...heard.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));

test('a wrong token is refused after a second, and a good one beside it at once; the connection can be used again', async () => {
  const [wrong, good] = [await line(), await line()];
  const began = performance.now();
  wrong.socket.write(asking('/v1/first', 'wrong'));
  good.socket.write(asking('/v1/good', 'right'));
  await vi.waitUntil(() => statuses(good.heard()).length === 1);
  expect(performance.now() - began).toBeLessThan(800);
  expect(served).toEqual(['/v1/good']);
  await vi.waitUntil(() => statuses(wrong.heard()).length === 1, 5000);
  expect(performance.now() - began).toBeGreaterThan(950);
  wrong.socket.write(asking('/v1/second', 'right'));
  await vi.waitUntil(() => statuses(wrong.heard()).length === 2);
  expect(statuses(wrong.heard())).toEqual([429, 200]);
});

test('whoever does not wait for the answer gets one, and is cut off: the rest is not looked at', async () => {
  const { socket, heard } = await line();
  socket.write(Array.from({ length: 10 }, (_, n) => asking(`/v1/${n}`, 'wrong')).join(''));
  await once(socket, 'close');
  expect([statuses(heard()), served]).toEqual([[429], ['/v1/0']]);
});

test('whoever sends many at once is cut off at once', async () => {
  const { socket, heard } = await line();
  const began = performance.now();
  socket.write(Array.from({ length: 500 }, (_, n) => asking(`/v1/${n}`, 'wrong')).join(''));
  await once(socket, 'close');
  expect([heard(), served, performance.now() - began < 900]).toEqual(['', [], true]);
});

test('another connection from there is not read for a second; one that is open goes on', async () => {
  const before = await line();
  isFlooded = true;
  const [later, gone] = [await line(), await line()];
  const began = performance.now();
  for (const [path, { socket }] of Object.entries({ '/v1/before': before, '/v1/later': later })) socket.write(asking(path, 'right'));
  gone.socket.destroy();
  await vi.waitUntil(() => statuses(before.heard()).length === 1);
  expect(served).toEqual(['/v1/before']);
  await vi.waitUntil(() => statuses(later.heard()).length === 1, 5000);
  expect(performance.now() - began).toBeGreaterThan(900);
});

test('of a connection that is held back no more is read than had come by then', async () => {
  const reading = once(server, 'connection') as Promise<[Socket]>;
  const { socket, heard } = await line();
  const [there] = await reading;
  const flood = Array.from({ length: 1000 }, (_, n) => asking(`/v1/${n}`, `wrong-${'x'.repeat(15_000)}`)).join('');
  socket.write(flood);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(there.bytesRead).toBeGreaterThan(0);
  expect(there.bytesRead).toBeLessThan(flood.length / 10);
  await vi.waitUntil(() => socket.closed, 5000);
  expect([statuses(heard()).length <= 1, served]).toEqual([true, ['/v1/0']]);
});

test('of many who wait five hundred a second are let go, the first first, and beyond two thousand nobody waits', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  const gone: number[] = [];
  const all = Array.from({ length: 2500 }, (_, n) => heldBack.wait().then(() => gone.push(n)));
  await vi.advanceTimersByTimeAsync(980);
  expect(gone).toEqual(Array.from({ length: 500 }, (_, n) => 2000 + n));
  gone.length = 0;
  await vi.advanceTimersByTimeAsync(1000);
  expect(gone.length).toBeGreaterThan(480);
  expect(gone.length).toBeLessThanOrEqual(510);
  expect(gone).toEqual(gone.map((_, n) => n));
  await vi.advanceTimersByTimeAsync(4000);
  await Promise.all(all);
});
