/*
 * Whatever the door answers, browsers are told what it is and what may be done with it: no answer is taken for another kind, framed by
 * strangers or kept in a cache, and the console runs no script that is not a file of the door. Asked of every route of the interface.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ProblemError, readSettings } from '@communication-center/service';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Clients } from '../clients.js';
import { settings } from '../settings.js';
import { PublicDoor } from './public-door.js';
import { SafeHeaders } from './safe-headers.js';

const openApi = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../../../docs/protocol/openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, unknown>>;
};
const methods = ['get', 'post', 'put', 'patch', 'delete'];
const routes = Object.entries(openApi.paths).flatMap(([path, known]) =>
  methods.filter((method) => method in known).map((method): [string, string] => [method.toUpperCase(), path.replace(/\{\w+\}/g, 'x')]),
);
const folder = mkdtempSync(join(tmpdir(), 'console-'));
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>');
writeFileSync(join(folder, 'index.js'), '1');
const limits = { TRUSTED_PROXIES: [], PROXY_PROTOCOL: false, CONNECTIONS_PER_ADDRESS: 1000, SIGNED_IN_PER_ADDRESS: 1000 };
let door: PublicDoor;
let answers: (response: ServerResponse) => void;
let refusal: ProblemError | undefined;

beforeAll(async () => {
  const nothing = async () => undefined;
  const given = {
    ...limits,
    FRAME_ANCESTORS: ['https://desk.example.com', 'self'],
    STRICT_TRANSPORT_SECONDS: 31_536_000,
    MEDIA_PUBLIC_URL: ['wss://media.example.com/v1'],
  };
  door = new PublicDoor(
    { PUBLIC_HOST: '127.0.0.1', PUBLIC_PORT: 0, HEADERS_TIMEOUT_MS: 5000, CONSOLE_FOLDER: folder, ...given } as never,
    pino({ level: 'silent' }),
    {
      whose: async () => ({ kind: 'nobody' }),
      whoseLasting: async () => ({ subject: { kind: 'nobody' } }),
      whileGood: () => ({ end: nothing }),
    } as never,
    {
      pass: async (_owner: unknown, _asked: unknown, takeOver: () => ServerResponse) => {
        if (refusal) throw refusal;
        answers(takeOver());
      },
      endLong: nothing,
      close: nothing,
    } as never,
    { mayAskAtAll: async () => true } as never,
    {
      start: nothing,
      stop: nothing,
      upgrade: async () => {
        throw new ProblemError('unauthenticated');
      },
    } as never,
    { stop: () => undefined, upgrade: nothing } as never,
    new Clients(given as never),
    { take: async () => ({ standings: [] }) } as never,
    { guard: nothing } as never,
    { confirm: nothing } as never,
  );
  await door.onApplicationBootstrap();
});

afterAll(async () => {
  await door.beforeApplicationShutdown();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  refusal = undefined;
});

const ask = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${door.port}${path}`, init);
const always = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'strict-transport-security': 'max-age=31536000' };
const ofData = { ...always, 'cache-control': 'no-store', 'content-security-policy': "default-src 'none'; frame-ancestors 'none'" };
const told = (response: Response, names: object) =>
  Object.fromEntries(Object.keys(names).map((name) => [name, response.headers.get(name)]));

describe('every route of the interface', () => {
  test('is among what is asked', () => {
    expect(routes.length).toBeGreaterThan(40);
    for (const path of ['/v1/user-tokens', '/v1/apps/x/api-keys', '/v1/apps/x/secrets', '/v1/webhook-endpoints', '/v1/calls'])
      expect(routes.map(([, known]) => known)).toContain(path);
  });

  test.each(routes)('%s %s says so in what it answers', async (method, path) => {
    answers = (response) => response.writeHead(201, { 'content-type': 'application/json' }).end('{"secret":"s"}');
    const answer = await ask(path, { method });
    expect([answer.status, told(answer, ofData)]).toEqual([201, ofData]);
  });

  test.each(routes)('%s %s says so where it is refused', async (method, path) => {
    refusal = new ProblemError('forbidden');
    const answer = await ask(path, { method, headers: { origin: 'https://shop.example.com' } });
    expect([answer.status, told(answer, ofData)]).toEqual([403, ofData]);
  });
});

test('a service that knows how long its answer may be kept is believed', async () => {
  answers = (response) => response.writeHead(200, { 'cache-control': 'private, max-age=60' }).end();
  expect((await ask('/v1/calls')).headers.get('cache-control')).toBe('private, max-age=60');
});

test.each(['/v1/nothing/is/here', '/v1/users/%', '//elsewhere/v1', '/v1/calls?cursor=%00'])(
  'what is refused at the door says so: %s',
  async (path) => {
    answers = (response) => response.end();
    const answer = await ask(path);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(told(answer, always)).toEqual(always);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  },
);

test('an upgrade that is refused says so', async () => {
  const socket = connect(door.port, '127.0.0.1');
  socket.write(
    'GET /v1/socket HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  let heard = '';
  for await (const piece of socket as AsyncIterable<Buffer>) heard += String(piece);
  expect(heard).toMatch(/^HTTP\/1\.1 401 [\s\S]*x-content-type-options: nosniff/);
  expect(heard).toContain('cache-control: no-store');
});

describe('the console', () => {
  test.each(['/', '/index.html', '/index.js', '/some/page'])(
    '%s runs scripts of the door alone, and opens sockets where calls are',
    async (path) => {
      const answer = await ask(path);
      expect([answer.status, told(answer, always)]).toEqual([200, always]);
      const policy = Object.fromEntries(
        (answer.headers.get('content-security-policy') ?? '')
          .split('; ')
          .map((one) => [one.slice(0, one.indexOf(' ')), one.slice(one.indexOf(' ') + 1)]),
      );
      expect(policy).toMatchObject({
        'default-src': "'none'",
        'script-src': "'self'",
        'connect-src': `'self' ws://127.0.0.1:${door.port} wss://127.0.0.1:${door.port} wss://media.example.com`,
        'base-uri': "'none'",
        'frame-ancestors': "https://desk.example.com 'self'",
      });
      const loose = Object.entries(policy).filter(([, sources]) => /unsafe|\*/.test(sources));
      expect(loose).toEqual([]);
    },
  );

  test('a host that is none is not repeated', () => {
    const { 'content-security-policy': policy } = new SafeHeaders({
      FRAME_ANCESTORS: ['none'],
      STRICT_TRANSPORT_SECONDS: 0,
      MEDIA_PUBLIC_URL: undefined,
    }).ofPage("x; script-src 'unsafe-inline'");
    expect(policy).toContain("connect-src 'self' ws: wss:;");
    expect(policy).toContain("frame-ancestors 'none'");
  });
});

describe('settings', () => {
  const { FRAME_ANCESTORS, STRICT_TRANSPORT_SECONDS } = settings.shape;
  const read = (given: Record<string, string>) => readSettings(z.object({ FRAME_ANCESTORS, STRICT_TRANSPORT_SECONDS }), given);

  test('frames and TLS are asked for, never taken for granted', () => {
    expect(read({})).toEqual({ FRAME_ANCESTORS: ['none'], STRICT_TRANSPORT_SECONDS: 0 });
    expect(new SafeHeaders({ ...read({}), MEDIA_PUBLIC_URL: undefined }).ofData()).not.toHaveProperty('strict-transport-security');
  });

  test.each(['https://a.example.com; script-src *', '*', 'none, https://a.example.com', 'javascript:alert(1)', "'self'"])(
    '%s is no list of who may frame',
    (text) => {
      expect(() => read({ FRAME_ANCESTORS: text })).toThrow('FRAME_ANCESTORS');
    },
  );

  test('origins may be many', () => {
    expect(read({ FRAME_ANCESTORS: 'self, https://*.example.com,http://localhost:8080' }).FRAME_ANCESTORS).toEqual([
      'self',
      'https://*.example.com',
      'http://localhost:8080',
    ]);
  });
});
