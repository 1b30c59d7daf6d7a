/*
 * Each address has so many connections and no more, whatever proxies stand between; who is refused hears why, and a place that was
 * left is somebody else's.
 */
import '../metrics.fixture.js';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { register } from 'prom-client';
import { afterEach, expect, test } from 'vitest';
import { ClientConnections, requireSignIn } from './client-connections.js';
import type { ClientSettings } from './client-settings.js';
import { refuseOverHttp } from './refuse-http.js';

const open: Socket[] = [];
/** So often was somebody refused for the connections of their address. */
const refusals = async () =>
  Number(/why="address_full"[^ ]* (\d+)$/m.exec(await register.getSingleMetricAsString('refused_connections_total'))?.[1] ?? 0);
let server: Server;

async function doorWith(settings: Partial<ClientSettings>, onRequest?: (clients: ClientConnections, request: IncomingMessage) => void) {
  const given = { TRUSTED_PROXIES: [], PROXY_PROTOCOL: false, CONNECTIONS_PER_ADDRESS: 2, SIGNED_IN_PER_ADDRESS: 2, ...settings };
  const clients = new ClientConnections(given, { refuse: refuseOverHttp });
  server = createServer((request, response) => {
    onRequest?.(clients, request);
    response.end(clients.addressOf(request));
  });
  server.on('upgrade', (request, socket) => {
    socket.resume().on('end', () => socket.end());
    socket.on('error', () => undefined);
    try {
      const place = clients.placeOf(request);
      if (request.url === '/in') requireSignIn(place);
      socket.write(`HTTP/1.1 101 ${place.address}\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n`);
    } catch {
      socket.end('HTTP/1.1 429 No\r\ncontent-length: 0\r\n\r\n');
    }
  });
  clients.guard(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return clients;
}

afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
  server.close();
});

/** @returns what is answered to what is said at once, or in pieces. */
async function say(...pieces: (string | Buffer)[]): Promise<{ socket: Socket; heard: string }> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  open.push(socket);
  for (const piece of pieces) {
    socket.write(piece);
    if (pieces.length > 1) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const [heard] = (await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [''])])) as [Buffer | ''];
  return { socket, heard: String(heard) };
}

const ask = (forwarded?: string, path = '/') =>
  `GET ${path} HTTP/1.1\r\nHost: door\r\n${forwarded ? `X-Forwarded-For: ${forwarded}\r\n` : ''}\r\n`;
const upgrade = (forwarded?: string, path = '/') =>
  `GET ${path} HTTP/1.1\r\nHost: door\r\nConnection: upgrade\r\nUpgrade: x\r\n${forwarded ? `X-Forwarded-For: ${forwarded}\r\n` : ''}\r\n`;
const bodyOf = (heard: string) => heard.split('\r\n\r\n')[1];

test('an address with as many connections as it may is told so, and one that goes makes room', async () => {
  await doorWith({});
  const before = await refusals();
  const first = await say(ask());
  expect(bodyOf(first.heard)).toBe('127.0.0.1');
  await say(ask());
  const { heard } = await say(ask());
  expect(heard).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n/);
  expect(heard).toContain('retry-after: ');
  expect(bodyOf(heard)).toContain('"code":"rate_limited"');
  expect(await refusals()).toBe(before + 1);
  first.socket.destroy();
  await expect.poll(async () => (await say(ask())).heard).toMatch(/^HTTP\/1\.1 200/);
});

test('who has signed in is counted apart, and no more of them than may', async () => {
  await doorWith({}, (clients, request) => clients.signedIn(request));
  for (let n = 0; n < 2; n += 1) expect((await say(upgrade(undefined, '/in'))).heard).toContain('101');
  // None of these two is among the unauthenticated.
  for (let n = 0; n < 2; n += 1) expect((await say(upgrade())).heard).toContain('101');
  expect((await say(upgrade())).heard).toContain('429');
});

test('signing in beyond what may is refused', async () => {
  await doorWith({ SIGNED_IN_PER_ADDRESS: 1 });
  expect((await say(upgrade(undefined, '/in'))).heard).toContain('101');
  expect((await say(upgrade(undefined, '/in'))).heard).toContain('429');
});

test('over a proxy each client has its own places, and the proxy as many connections as it needs', async () => {
  await doorWith({ TRUSTED_PROXIES: ['127.0.0.1'] });
  for (let n = 0; n < 5; n += 1) expect(bodyOf((await say(ask('198.51.100.1'))).heard)).toBe('198.51.100.1');
  const [one] = [await say(upgrade('198.51.100.1')), await say(upgrade('9.9.9.9, 198.51.100.1'))];
  expect(one.heard).toContain('101 198.51.100.1');
  expect((await say(upgrade('198.51.100.1'))).heard).toContain('429');
  expect((await say(upgrade('198.51.100.2'))).heard).toContain('101 198.51.100.2');
  one.socket.destroy();
  await expect.poll(async () => (await say(upgrade('198.51.100.1'))).heard).toContain('101');
});

test('clients of one network of IPv6 share its places', async () => {
  await doorWith({ TRUSTED_PROXIES: ['127.0.0.0/8'], CONNECTIONS_PER_ADDRESS: 1 });
  expect((await say(upgrade('2001:db8::1'))).heard).toContain('101');
  expect((await say(upgrade('2001:db8::ffff:2'))).heard).toContain('429');
  expect((await say(upgrade('2001:db8:0:1::1'))).heard).toContain('101');
});

const v1 = (address: string) => `PROXY TCP4 ${address} 10.0.0.1 4711 443\r\n`;
const v2 = (...address: number[]) =>
  Buffer.from([13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10, 0x21, 0x11, 0, 12, ...address, 10, 0, 0, 1, 1, 2, 3, 4]);

test('with the PROXY protocol a connection is the client’s, in whatever pieces it comes', async () => {
  await doorWith({ TRUSTED_PROXIES: ['127.0.0.1'], PROXY_PROTOCOL: true });
  const text = v1('198.51.100.1') + ask();
  const first = await say(text);
  const second = await say(
    ...text.split(/(?<=.{7})/s).slice(0, 40),
    text
      .split(/(?<=.{7})/s)
      .slice(40)
      .join(''),
  );
  expect([bodyOf(first.heard), bodyOf(second.heard)]).toEqual(['198.51.100.1', '198.51.100.1']);
  // A third of the same address is one too many; what it says of others does not help.
  expect((await say(v1('198.51.100.1') + ask('198.51.100.2'))).heard).toMatch(/^HTTP\/1\.1 429/);
  const other = await say(Buffer.concat([v2(198, 51, 100, 2), Buffer.from(ask('198.51.100.1'))]));
  expect(bodyOf(other.heard)).toBe('198.51.100.2');
  // The connection serves on, request after request.
  other.socket.write(ask());
  expect(bodyOf(String((await once(other.socket, 'data'))[0]))).toBe('198.51.100.2');
  expect((await say(Buffer.concat([v2(198, 51, 100, 3), Buffer.from(upgrade())]))).heard).toContain('101 198.51.100.3');
});

test('a trusted proxy that says not whose connection it is, is cut off', async () => {
  await doorWith({ TRUSTED_PROXIES: ['127.0.0.1'], PROXY_PROTOCOL: true });
  expect((await say(ask())).heard).toBe('');
  expect((await say(`PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n${ask()}`)).heard).toBe('');
  expect((await say(v1('198.51.100.1') + ask())).heard).toMatch(/^HTTP\/1\.1 200/);
});

test('a stranger who speaks the PROXY protocol is not believed', async () => {
  await doorWith({ TRUSTED_PROXIES: ['10.0.0.0/8'], PROXY_PROTOCOL: true });
  expect((await say(v1('198.51.100.1') + ask())).heard).toMatch(/^HTTP\/1\.1 400/);
  expect(bodyOf((await say(ask('198.51.100.1'))).heard)).toBe('127.0.0.1');
});

test('the PROXY protocol is not spoken with everybody', () => {
  const settings = { TRUSTED_PROXIES: [], PROXY_PROTOCOL: true, CONNECTIONS_PER_ADDRESS: 1, SIGNED_IN_PER_ADDRESS: 1 };
  expect(() => new ClientConnections(settings, { refuse: refuseOverHttp })).toThrow('TRUSTED_PROXIES');
});
