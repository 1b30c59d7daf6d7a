/*
 * A socket of a service is passed on as its two ends settled it, in somebody's name, at the pace of the slower side; when one side
 * ends, both do; and who may not, or no longer, have it is told so.
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Identity, ProblemError, Replicas } from '@communication-center/service';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Clients } from '../clients.js';
import { SocketProxy } from './socket-proxy.js';

const servers: Server[] = [];
const clients: WebSocket[] = [];
let sockets: WebSocketServer;
let seen: IncomingMessage[];
let revoke: AbortController;
let proxy: SocketProxy;
let door: string;
let upstream: string;
let reports: unknown[];
const limits = { MAX_PASSED_SOCKETS: 10, PASSED_SOCKETS_PER_APP: 10, SOCKET_ANSWER_MS: 2000, SOCKET_SILENCE_MS: 10_000 };

const handshake = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': Buffer.alloc(16).toString('base64'),
  authorization: 'Bearer user.shop',
};

const keys = ['gateway', 'directory'].map((kid) => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { priv: { ...privateKey.export({ format: 'jwk' }), kid }, pub: { ...publicKey.export({ format: 'jwk' }), kid } };
});
const jwks = { keys: keys.map(({ pub }) => pub) };
const gateway = new Identity('gateway', keys[0]?.priv ?? {}, jwks);
const directory = new Identity('directory', keys[1]?.priv ?? {}, jwks);

async function listen(server: Server): Promise<string> {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port at which nobody listens. */
async function nowhere(): Promise<string> {
  const url = await listen(createServer());
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return url;
}

/** Credentials are `user <app>` here. */
function makeProxy(urls: string[], more = {}): SocketProxy {
  const replicas = new Replicas(urls);
  const authenticator = {
    whoseLasting: async (credential: string) => {
      if (!credential.startsWith('user.')) throw new ProblemError('unauthenticated');
      return { subject: { kind: 'user', appId: credential.slice(5), userAlias: 'alice' }, mark: { at: 0 } };
    },
    whileGood: () => ({ revoked: revoke.signal, end: () => undefined }),
  };
  return new SocketProxy(
    { replicasOf: () => replicas } as never,
    gateway,
    authenticator as never,
    new Clients({ TRUSTED_PROXIES: [], PROXY_PROTOCOL: false, CONNECTIONS_PER_ADDRESS: 100, SIGNED_IN_PER_ADDRESS: 100, ...more } as never),
    { require: async () => undefined } as never,
    { ...limits, ...more } as never,
    (error) => reports.push(error),
  );
}

beforeEach(async () => {
  [seen, reports, revoke] = [[], [], new AbortController()];
  sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('usage.v1') ? 'usage.v1' : false) });
  const service = createServer((_request, response) => response.writeHead(404).end());
  service.on('upgrade', (asked, socket, head) => {
    seen.push(asked);
    sockets.handleUpgrade(asked, socket, head, (opened) => sockets.emit('connection', opened, asked));
  });
  upstream = await listen(service);
  // The first of its two replicas is away.
  proxy = makeProxy([await nowhere(), upstream]);
  const server = createServer();
  server.on('upgrade', (asked, socket, head) => {
    void proxy.upgrade({ service: 'directory', kind: 'socket', path: asked.url ?? '' }, asked, socket as Socket, head);
  });
  door = await listen(server);
});

afterEach(() => {
  for (const client of clients.splice(0)) client.terminate();
  for (const client of sockets.clients) client.terminate();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  expect(reports).toEqual([]);
});

function open(protocols: string[] = ['usage.v1', 'communication-center.bearer.user.shop'], headers = {}): WebSocket {
  const client = new WebSocket(`${door.replace('http', 'ws')}/v1/usage/live?from=1`, protocols, { headers });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

async function refusalOf(client: WebSocket): Promise<[number | undefined, string]> {
  const [, answer] = (await once(client, 'unexpected-response')) as [unknown, IncomingMessage];
  let body = '';
  for await (const piece of answer) body += String(piece);
  return [answer.statusCode, body];
}

/** @returns both ends of a socket that is open. @throws when it is refused. */
async function opened(client = open()): Promise<{ client: WebSocket; served: WebSocket }> {
  const given = new AbortController();
  const serving = once(sockets, 'connection', { signal: given.signal }).catch(() => []) as Promise<[WebSocket]>;
  try {
    await once(client, 'open');
    return { client, served: (await serving)[0] };
  } finally {
    given.abort();
  }
}

const codeOf = async (socket: WebSocket) => ((await once(socket, 'close')) as [number, Buffer])[0];

test('a page’s token becomes the identity of its user, and is passed on to nobody; what both ends settle is theirs', async () => {
  const { client, served } = await opened(open(undefined, { cookie: 'a=b', 'x-forwarded-for': '1.2.3.4', 'accept-language': 'de' }));
  expect([client.protocol, client.extensions]).toEqual(['usage.v1', '']);
  const [asked] = seen;
  expect([asked?.url, asked?.headers['sec-websocket-protocol'], asked?.headers['accept-language']]).toEqual([
    '/v1/usage/live?from=1',
    'usage.v1',
    'de',
  ]);
  expect([asked?.headers.cookie, asked?.headers['x-forwarded-for'], asked?.headers.host]).toEqual([
    undefined,
    undefined,
    new URL(upstream).host,
  ]);
  expect(JSON.stringify(asked?.rawHeaders)).not.toContain('user.shop');
  expect(await directory.verify(asked?.headers.authorization)).toEqual({ kind: 'user', appId: 'shop', userAlias: 'alice' });
  served.on('message', (data) => served.send(`got ${data}`));
  client.send('hello');
  expect(String((await once(client, 'message'))[0])).toBe('got hello');
});

test('a program shows its credential as over REST', async () => {
  await opened(open(['usage.v1'], { authorization: 'Bearer user.shop' }));
  expect(await directory.verify(seen[0]?.headers.authorization)).toMatchObject({ appId: 'shop' });
});

/** Opens a socket by hand. */
function rawSocket(): { raw: Socket; got: () => string } {
  const raw = connect({ port: Number(new URL(door).port), host: '127.0.0.1' });
  let got = '';
  raw.on('data', (piece) => (got += piece.toString('latin1')));
  raw.write(
    `GET /v1/usage/live HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nAuthorization: Bearer user.shop\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${handshake['sec-websocket-key']}\r\n\r\n`,
  );
  return { raw, got: () => got };
}

test('what comes with the handshake, on either side, is not lost', async () => {
  sockets.once('connection', (served: WebSocket) => {
    served.send('welcome');
    served.on('message', (data) => served.send(`got ${data}`));
  });
  const { raw, got } = rawSocket();
  raw.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
  await vi.waitFor(() => expect(got()).toContain('got hi'));
  expect(got()).toContain('HTTP/1.1 101 ');
  expect(got()).toContain('welcome');
  raw.destroy();
});

test('a service that never ends its side of a socket that is over keeps no place', async () => {
  const service = createServer();
  service.on('upgrade', (_asked, socket: Socket) => {
    kept.push(socket);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
  });
  const kept: Socket[] = [];
  proxy = makeProxy([await listen(service)], { MAX_PASSED_SOCKETS: 1 });
  const statusNow = async () => {
    const { raw, got } = rawSocket();
    await once(raw, 'data');
    raw.end();
    return got().slice(9, 12);
  };
  expect([await statusNow(), await statusNow()]).toEqual(['101', '503']);
  await vi.waitFor(async () => expect(await statusNow()).toBe('101'), { timeout: 10_000, interval: 300 });
  for (const socket of kept) socket.destroy();
}, 15_000);

test.each([
  ['no credential', { authorization: '' }, 401],
  ['a wrong credential', { authorization: 'Bearer nobody' }, 401],
  ['an old version', { 'sec-websocket-version': '8' }, 426],
  ['a key that is none', { 'sec-websocket-key': 'abc' }, 400],
  ['another protocol', { upgrade: 'h2c' }, 400],
])('%s: refused by the door, and no service is asked', async (_what, headers, status) => {
  const asked = request(`${door}/v1/usage/live`, { headers: { ...handshake, ...headers } });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  expect([answer.statusCode, answer.resume().headers.upgrade, seen]).toEqual([status, status === 426 ? 'websocket' : undefined, []]);
});

test('what a service answers in place of taking a socket is passed back', async () => {
  const plain = createServer((_asked, response) =>
    response.writeHead(403, { 'set-cookie': 'a=b', 'retry-after': '7' }).end('{"code":"mine"}'),
  );
  proxy = makeProxy([await listen(plain)]);
  const client = open();
  const [, answer] = (await once(client, 'unexpected-response')) as [unknown, IncomingMessage];
  expect([answer.statusCode, answer.headers['retry-after'], answer.headers['set-cookie']]).toEqual([403, '7', undefined]);
  expect(String((await once(answer, 'data'))[0])).toBe('{"code":"mine"}');
});

test('a refusal that breaks off, or does not end, is told of as unavailable', async () => {
  for (const refuse of [
    (response: ServerResponse) => response.writeHead(403, { 'content-length': 9 }).write('x', () => response.destroy()),
    (response: ServerResponse) => response.writeHead(403).end(Buffer.alloc(100_000)),
  ]) {
    proxy = makeProxy([await listen(createServer((_asked, response) => void refuse(response)))]);
    expect((await refusalOf(open()))[0]).toBe(503);
  }
});

test('a service that is away, or does not answer in time, is told of as unavailable', async () => {
  const hung = createServer();
  hung.on('upgrade', () => undefined);
  for (const url of [await nowhere(), await listen(hung)]) {
    proxy = makeProxy([url], { SOCKET_ANSWER_MS: 200 });
    expect((await refusalOf(open()))[0]).toBe(503);
  }
});

test('no app has more sockets than its share, and no gateway more than it may; one that ends makes room', async () => {
  proxy = makeProxy([upstream], { MAX_PASSED_SOCKETS: 3, PASSED_SOCKETS_PER_APP: 2 });
  const of = (app: string) => open(['usage.v1', `communication-center.bearer.user.${app}`]);
  const { client } = await opened(of('a'));
  await opened(of('a'));
  expect((await refusalOf(of('a')))[0]).toBe(429);
  await opened(of('b'));
  expect((await refusalOf(of('c')))[0]).toBe(503);
  client.close();
  await codeOf(client);
  await vi.waitFor(async () => opened(of('c')));
});

test('no address has more sockets than it may, and one that ends makes room', async () => {
  proxy = makeProxy([upstream], { SIGNED_IN_PER_ADDRESS: 1 });
  const { client } = await opened();
  expect(await refusalOf(open())).toEqual([429, expect.stringContaining('rate_limited')]);
  client.close();
  await codeOf(client);
  await vi.waitFor(async () => opened());
});

test('when one side ends, by a close or without a word, so does the other', async () => {
  const one = await opened();
  one.client.close(4321, 'enough');
  expect(await codeOf(one.served)).toBe(4321);
  const two = await opened();
  two.served.close(4322);
  expect(await codeOf(two.client)).toBe(4322);
  const three = await opened();
  three.client.terminate();
  expect(await codeOf(three.served)).toBe(1006);
  const four = await opened();
  four.served.terminate();
  expect(await codeOf(four.client)).toBe(1006);
});

test('a gateway that stops, and a credential that is good no longer, close a socket on both sides, and say why', async () => {
  const revoked = await opened();
  const codes = Promise.all([codeOf(revoked.client), codeOf(revoked.served)]);
  revoke.abort();
  expect(await codes).toEqual([4001, 1001]);
  revoke = new AbortController();
  const drained = await opened();
  const more = Promise.all([codeOf(drained.client), codeOf(drained.served)]);
  proxy.stop();
  expect(await more).toEqual([1012, 1001]);
  expect((await refusalOf(open()))[0]).toBe(503);
});

test('a socket through which nothing comes is closed; one with heartbeats is not', async () => {
  proxy = makeProxy([upstream], { SOCKET_SILENCE_MS: 5000 });
  const beating = await opened();
  const pings = setInterval(() => beating.served.ping(), 200);
  const silent = await opened();
  expect(await codeOf(silent.client)).toBe(1001);
  expect(beating.client.readyState).toBe(WebSocket.OPEN);
  clearInterval(pings);
  expect(await codeOf(beating.client)).toBe(1001);
});

test('who reads nothing holds back who sends: nothing piles up in between', async () => {
  const { client, served } = await opened();
  client.pause();
  const piece = Buffer.alloc(262_144);
  const sendAll = () => {
    for (let sent = 0; sent < 256; sent += 1) served.send(piece);
  };
  sendAll();
  let before = -1;
  await vi.waitFor(
    () => {
      const now = served.bufferedAmount;
      const isStill = now === before;
      before = now;
      expect(isStill).toBe(true);
    },
    { interval: 250, timeout: 10_000 },
  );
  expect(served.bufferedAmount, 'left with the service').toBeGreaterThan(40 * 1_048_576);
  let got = 0;
  client.on('message', () => (got += 1));
  client.resume();
  await vi.waitFor(() => expect(got).toBe(256), 10_000);
});
