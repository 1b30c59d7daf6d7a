/*
 * What is passed on arrives as it was sent and what comes back as it was answered, at the pace of whoever takes it; limits are the
 * kind's, and who cannot be reached is passed over.
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Identity, ProblemError, Replicas } from '@communication-center/service';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Services } from '../services.js';
import { readWhole } from './request-body.js';
import { ReverseProxy } from './reverse-proxy.js';
import type { Owner } from './routes.js';

const megabyte = 1_048_576;
const servers: Server[] = [];
let service: RequestListener;
let seen: { method?: string | undefined; url?: string | undefined; headers: IncomingMessage['headers'] }[];
let proxy: ReverseProxy;
let door: string;

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A port at which nobody listens. */
async function nowhere(): Promise<string> {
  const url = await listen(() => undefined);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  return url;
}

const kindOf = (path: string): Owner['kind'] =>
  path.startsWith('/transfer') ? 'transfer' : path.startsWith('/stream') ? 'stream' : 'short';

function passAt(revoked?: AbortSignal) {
  return async (incoming: IncomingMessage, response: ServerResponse) => {
    const path = incoming.url ?? '';
    try {
      await proxy.pass(
        { service: 'calls', kind: kindOf(path), path },
        { request: incoming, subject: { kind: 'nobody' }, revoked },
        () => response,
      );
    } catch (error) {
      const { code } = error as ProblemError;
      response.writeHead(error instanceof ProblemError ? error.toProblem().status : 500, { connection: 'close' }).end(code);
    }
  };
}

function makeProxy(urls: string[], limits = {}): ReverseProxy {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'gateway' };
  const identity = new Identity('gateway', jwk, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'gateway' }] });
  const replicas = new Replicas(urls);
  const services = { replicasOf: () => replicas } as unknown as Services;
  return new ReverseProxy(services, identity, {
    MAX_TRANSFER_BYTES: 4096 * megabyte,
    TRANSFER_SILENCE_MS: 2000,
    MAX_TRANSFERS: 8,
    TRANSFERS_PER_APP: 8,
    ...limits,
  });
}

beforeEach(async () => {
  seen = [];
  service = (_request, response) => void response.end();
  const upstream = await listen((incoming, response) => {
    seen.push({ method: incoming.method, url: incoming.url, headers: incoming.headers });
    void service(incoming, response);
  });
  // The first of its two replicas is away.
  proxy = makeProxy([await nowhere(), upstream]);
  door = await listen(passAt());
});

afterEach(async () => {
  proxy.endLong();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await proxy.close();
});

/** Others may have the processors for a while. */
const soon = (check: () => void) => vi.waitFor(check, { timeout: 10_000 });

test('method, path, query and body go on, with the headers that belong to the request and an identity in place of the credential', async () => {
  let body = '';
  service = async (incoming, response) => {
    for await (const chunk of incoming) body += chunk;
    response
      .writeHead(201, { location: '/v1/calls/1', 'retry-after': '3', 'set-cookie': 'a=b', 'x-of-the-service': 'yes', etag: '"1"' })
      .end('{}');
  };
  const answer = await fetch(`${door}/v1/calls?limit=2`, {
    method: 'POST',
    headers: {
      authorization: 'Bearer cc_secret',
      cookie: 'a=b',
      'content-type': 'application/json',
      'idempotency-key': 'k',
      'if-none-match': '"0"',
      'x-forwarded-for': '1.2.3.4',
    },
    body: '{"callees":["bob"]}',
  });
  expect([answer.status, await answer.text()]).toEqual([201, '{}']);
  expect(
    Object.fromEntries(
      ['location', 'retry-after', 'etag', 'set-cookie', 'x-of-the-service'].map((name) => [name, answer.headers.get(name)]),
    ),
  ).toEqual({
    location: '/v1/calls/1',
    'retry-after': '3',
    etag: '"1"',
    'set-cookie': null,
    'x-of-the-service': null,
  });
  expect(body).toBe('{"callees":["bob"]}');
  expect(seen).toHaveLength(1);
  expect(seen[0]).toMatchObject({ method: 'POST', url: '/v1/calls?limit=2' });
  const headers = seen[0]?.headers ?? {};
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'idempotency-key': 'k',
    'if-none-match': '"0"',
    prefer: 'handling=strict',
  });
  expect(headers.authorization).toMatch(/^Bearer eyJ/);
  expect([headers.cookie, headers['x-forwarded-for']]).toEqual([undefined, undefined]);
});

test('a short body that is too large is refused, whether or not it says so itself', async () => {
  const big = Buffer.alloc(300_000);
  const told = await fetch(`${door}/v1/calls`, { method: 'POST', body: big });
  const untold = await fetch(`${door}/v1/calls`, {
    method: 'POST',
    body: Readable.toWeb(Readable.from([big])) as never,
    duplex: 'half',
  } as never);
  expect([told.status, await told.text(), untold.status, await untold.text()]).toEqual([
    413,
    'payload_too_large',
    413,
    'payload_too_large',
  ]);
  expect(seen).toEqual([]);
});

test('a short request goes on though its asker goes away; a stream ends on both sides with its reader', async () => {
  const done: string[] = [];
  service = (incoming, response) => {
    response.once('close', () => done.push(`${incoming.url} ${response.writableEnded ? 'answered' : 'broken off'}`));
    if (incoming.url === '/stream') response.write('data: 1\n\n');
    else setTimeout(() => response.end('late'), 300);
  };
  const asker = request(`${door}/v1/calls`, { method: 'POST' }).on('error', () => undefined);
  asker.end();
  await soon(() => expect(seen).toHaveLength(1));
  asker.destroy();
  const reader = new AbortController();
  const stream = await fetch(`${door}/stream`, { signal: reader.signal });
  expect(stream.headers.get('cache-control')).toBe('no-store');
  await stream.body?.getReader().read();
  reader.abort();
  await soon(() => expect(done.sort()).toEqual(['/stream broken off', '/v1/calls answered']));
});

test('a stream ends when its reader may not read on, and when the door is closed', async () => {
  let streams = 0;
  service = (_incoming, response) => {
    streams += 1;
    response.once('close', () => (streams -= 1));
    response.write('data: 1\n\n');
  };
  const revoked = new AbortController();
  const guarded = await listen(passAt(revoked.signal));
  const [read, other] = [await fetch(`${guarded}/stream`), await fetch(`${door}/stream`)];
  expect(streams).toBe(2);
  revoked.abort();
  await expect(read.text()).rejects.toThrow();
  await soon(() => expect(streams).toBe(1));
  proxy.endLong();
  await expect(other.text()).rejects.toThrow();
  await soon(() => expect(streams).toBe(0));
});

test('a service that is away, or does not begin to answer a transfer, is told of as unavailable', async () => {
  const gone = makeProxy([await nowhere()]);
  const hung = makeProxy([await listen((incoming) => void incoming.resume())], { TRANSFER_SILENCE_MS: 300 });
  for (const one of [gone, hung]) {
    proxy = one;
    const answer = await fetch(`${door}/transfer`, { method: 'PUT', body: 'x' });
    expect([answer.status, await answer.text()]).toEqual([503, 'service_unavailable']);
    one.endLong();
    await one.close();
  }
  proxy = makeProxy([]);
});

test('a transfer that is too large, stops coming or breaks off is refused, and reaches the service as broken off', async () => {
  const ends: string[] = [];
  service = (incoming, response) => {
    incoming.resume();
    incoming.once('error', () => ends.push('broken off')).once('end', () => ends.push('whole') && response.end());
  };
  const upstream = await listen((incoming, response) => void service(incoming, response));
  proxy = makeProxy([upstream], { MAX_TRANSFER_BYTES: megabyte, TRANSFER_SILENCE_MS: 300 });
  const sendThen = (pieces: Buffer[], then: () => Promise<void>) => {
    const body = Readable.from(
      (async function* () {
        yield* pieces;
        await then();
      })(),
    );
    return fetch(`${door}/transfer`, { method: 'PUT', body: Readable.toWeb(body) as never, duplex: 'half' } as never);
  };
  const large = await sendThen(
    Array.from({ length: 40 }, () => Buffer.alloc(65_536)),
    async () => undefined,
  );
  expect([large.status, await large.text()]).toEqual([413, 'payload_too_large']);
  const slow = await sendThen([Buffer.alloc(10)], () => new Promise(() => undefined));
  expect([slow.status, await slow.text()]).toEqual([400, 'invalid_request']);
  await soon(() => expect(ends).toEqual(['broken off', 'broken off']));
  const whole = await sendThen([Buffer.alloc(10)], async () => undefined);
  expect([whole.status, ends.at(-1)]).toEqual([200, 'whole']);
});

test('a transfer goes at the pace of its slowest, both ways: nothing piles up in between', async () => {
  const bytes = 96 * megabyte;
  let taken = 0;
  let offered = 0;
  const open = Promise.withResolvers<void>();
  service = async (incoming, response) => {
    await open.promise;
    for await (const chunk of incoming) taken += (chunk as Buffer).length;
    const answer = Readable.from(piecesUpTo(bytes, (size) => (offered += size)));
    response.writeHead(200, { 'content-disposition': 'attachment' });
    await pipeline(answer, response).catch(() => undefined);
  };
  let sent = 0;
  const asked = request(`${door}/transfer`, { method: 'PUT', headers: { 'content-length': bytes } });
  const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
  const sending = pipeline(Readable.from(piecesUpTo(bytes, (size) => (sent += size))), asked);
  await still(() => sent);
  expect(sent, 'sent while the service takes nothing').toBeLessThan(24 * megabyte);
  open.resolve();
  await sending;
  const [answer] = await answered;
  await still(() => offered);
  expect(offered, 'offered while the asker takes nothing').toBeLessThan(24 * megabyte);
  let got = 0;
  for await (const chunk of answer) got += (chunk as Buffer).length;
  expect([taken, got, answer.headers['content-disposition']]).toEqual([bytes, bytes, 'attachment']);
}, 60_000);

/** Waits until a number that was reached does not change any more. */
async function still(number: () => number): Promise<void> {
  for (let before = -1; number() === 0 || number() !== before; ) {
    before = number();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function* piecesUpTo(bytes: number, onPiece: (size: number) => void): Generator<Buffer> {
  const piece = Buffer.alloc(65_536);
  for (let left = bytes; left > 0; left -= piece.length) {
    onPiece(piece.length);
    yield piece;
  }
}

test('who takes nothing of a transfer does not keep the service’s connection', async () => {
  let end = '';
  service = (_incoming, response) => {
    response.once('close', () => (end = response.writableFinished ? 'whole' : 'broken off'));
    Readable.from(piecesUpTo(96 * megabyte, () => undefined)).pipe(response);
  };
  const upstream = await listen((incoming, response) => void service(incoming, response));
  proxy = makeProxy([upstream], { TRANSFER_SILENCE_MS: 300 });
  const asked = request(`${door}/transfer`).on('error', () => undefined);
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.on('error', () => undefined);
  await soon(() => expect(end).toBe('broken off'), 5000);
  asked.destroy();
});

test('a transfer beyond what is passed on at once waits until another has ended, also when that one was broken off', async () => {
  const waiting: ServerResponse[] = [];
  service = (incoming, response) => {
    incoming.resume();
    waiting.push(response);
  };
  const upstream = await listen((incoming, response) => void service(incoming, response));
  proxy = makeProxy([upstream], { MAX_TRANSFERS: 1, TRANSFERS_PER_APP: 1, TRANSFER_SILENCE_MS: 20_000 });
  const first = request(`${door}/transfer`).on('error', () => undefined);
  first.end();
  await soon(() => expect(waiting).toHaveLength(1));
  const second = fetch(`${door}/transfer`);
  const third = await fetch(`${door}/transfer`);
  expect([third.status, await third.text()]).toEqual([429, 'rate_limited']);
  expect(waiting).toHaveLength(1);
  first.destroy();
  await soon(() => expect(waiting).toHaveLength(2));
  waiting[1]?.end('second');
  expect(await (await second).text()).toBe('second');
});

test('a short body that comes a byte now and then is refused when its time is over', async () => {
  const body = Readable.from(
    (async function* () {
      for (;;) {
        yield Buffer.alloc(1);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })(),
  );
  await expect(readWhole(body, { most: 1000, silenceMs: 5000, wholeMs: 200 })).rejects.toMatchObject({ code: 'invalid_request' });
});
