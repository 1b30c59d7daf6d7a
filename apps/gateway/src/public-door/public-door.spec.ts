/*
 * Whatever comes to the public door, and whatever goes wrong behind it, ends with its own connection: it is answered, and the door
 * goes on.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Subject } from '@communication-center/contracts';
import { ProblemError } from '@communication-center/service';
import type { Share } from '@communication-center/service/fair-share';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Clients } from '../clients.js';
import { PublicDoor } from './public-door.js';

const bug = () => {
  throw new TypeError('secret detail');
};
const limits = { TRUSTED_PROXIES: [], PROXY_PROTOCOL: false, CONNECTIONS_PER_ADDRESS: 20, SIGNED_IN_PER_ADDRESS: 20 };
let door: PublicDoor;
let port: number;
let onUpgrade: () => Promise<void>;
let onWhose: () => Promise<Subject>;
let onTake: () => Promise<Share>;

beforeEach(async () => {
  onUpgrade = async () => bug();
  onWhose = bug;
  onTake = async () => ({ standings: [] });
  const nothing = async () => undefined;
  const sockets = { start: nothing, stop: nothing, upgrade: () => onUpgrade() };
  const settings = {
    PUBLIC_HOST: '127.0.0.1',
    PUBLIC_PORT: 0,
    HEADERS_TIMEOUT_MS: 300,
    FRAME_ANCESTORS: ['none'],
    STRICT_TRANSPORT_SECONDS: 0,
    ...limits,
  };
  door = new PublicDoor(
    settings as never,
    pino({ level: 'silent' }),
    { whose: () => onWhose() } as never,
    { pass: bug, endLong: nothing, close: nothing } as never,
    { mayAskAtAll: bug } as never,
    sockets as never,
    { stop: () => undefined, upgrade: bug } as never,
    new Clients(settings as never),
    { take: () => onTake() } as never,
    { guard: nothing } as never,
    { confirm: nothing } as never,
  );
  await door.onApplicationBootstrap();
  port = door.port;
});

afterEach(() => door.beforeApplicationShutdown());

async function say(text: string | Buffer): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.end(text);
  let heard = '';
  for await (const piece of socket as AsyncIterable<Buffer>) heard += String(piece);
  return heard;
}

const ask = (target: string, more = '') => say(`GET ${target} HTTP/1.1\r\nHost: door\r\nConnection: close\r\n${more}\r\n`);
const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
const goesOn = async () => expect(statusOf(await ask('/health'))).toBe(200);

describe('a request', () => {
  test.each([
    ['absolute form', 'http://127.0.0.1:9/v1/calls'],
    ['a doubled slash', '//127.0.0.1:9/v1/calls'],
    ['a doubled slash within', '/v1//calls'],
    ['a backslash', '/\\127.0.0.1/v1'],
    ['half an escape', '/v1/users/%'],
    ['bytes that are no text', '/v1/users/%ff'],
    ['overlong NUL', '/v1/users/%c0%80'],
    ['NUL', '/v1/users/%00'],
    ['NUL in its query', '/v1/calls?cursor=%00'],
    ['an asterisk', '*'],
  ])('for %s is refused by name', async (_form, target) => {
    const answer = await ask(target);
    expect([statusOf(answer), answer.includes('application/problem+json'), answer.includes('invalid_request')]).toEqual([400, true, true]);
    await goesOn();
  });

  test('for a tunnel, in authority form, is refused by name', async () => {
    const answer = await say('CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: door\r\n\r\n');
    expect([statusOf(answer), answer.includes('invalid_request')]).toEqual([400, true]);
    await goesOn();
  });

  test.each([
    ['whose credential cannot be looked at', 'Authorization: Bearer x\r\n'],
    ['whose origin cannot be looked at', 'Origin: https://shop.example\r\n'],
    ['that cannot be passed on', ''],
  ])('%s is answered, and tells nothing of why', async (_which, header) => {
    const answer = await ask('/v1/calls', header);
    expect([statusOf(answer), answer.includes('internal_error'), answer.includes('secret')]).toEqual([500, true, false]);
    await goesOn();
  });

  test.each([
    ['no HTTP', Buffer.from([0, 1, 2, 255])],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost door\r\n\r\n'],
    ['headers without an end', `GET / HTTP/1.1\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`],
    ['two lengths', 'POST /v1/calls HTTP/1.1\r\nHost: d\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['a length and chunks', 'POST /v1/calls HTTP/1.1\r\nHost: d\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ])('that is %s is refused', async (_what, text) => {
    expect(Math.floor(statusOf(await say(text)) / 100)).toBe(4);
    await goesOn();
  });
});

test('a connection that says nothing does not stay', async () => {
  await once(connect(port, '127.0.0.1').resume(), 'close');
  await goesOn();
});

test('an address with as many connections as it may is told so, and those that go make room', async () => {
  const held = Array.from({ length: limits.CONNECTIONS_PER_ADDRESS }, () => connect(port, '127.0.0.1'));
  await Promise.all(held.map((socket) => once(socket, 'connect')));
  const answer = await ask('/health');
  expect([statusOf(answer), answer.includes('application/problem+json'), answer.includes('rate_limited')]).toEqual([429, true, true]);
  for (const socket of held) socket.destroy();
  await expect.poll(async () => statusOf(await ask('/health'))).toBe(200);
});

describe('an upgrade', () => {
  const upgrading = async (path: string) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, ['communication-center.v1']);
    socket.on('error', () => undefined);
    const [, { statusCode }] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    return statusCode;
  };

  test('that fails behind the door is answered', async () => {
    expect(await upgrading('/v1/socket')).toBe(500);
    onUpgrade = bug as never;
    expect(await upgrading('/v1/socket')).toBe(500);
    await goesOn();
  });

  test('to a path that names a host is refused', async () => {
    expect(await upgrading('//elsewhere/v1/socket')).toBe(400);
    await goesOn();
  });
});

test('who has used a share up is told how things stand, and when to come again', async () => {
  const rate = { perSecond: 1, burst: 5 };
  const refused = new ProblemError('rate_limited', 'Too many reads', { retryAfterSeconds: 3 });
  onTake = async () => ({ standings: [{ name: 'reads address 127.0.0.1', rate, level: 0.2, fullInMs: 4800 }], refused });
  const answer = await ask('/v1/calls');
  expect(statusOf(answer)).toBe(429);
  expect(answer.toLowerCase()).toContain('\r\nretry-after: 3\r\n');
  expect(answer.toLowerCase()).toContain('\r\nratelimit-policy: "reads-address";q=5;w=5\r\n');
  expect(answer.toLowerCase()).toContain('\r\nratelimit: "reads-address";r=0;t=5\r\n');
  expect(answer).toContain('"retryAfterSeconds":3');
  await goesOn();
});

test('whoever goes on asking after a refusal is refused without being looked at, for a moment and for that kind alone', async () => {
  let looks = 0;
  onWhose = async () => {
    looks += 1;
    return { kind: 'key', appId: 'demo', keyId: 'k', scopes: [] } as never;
  };
  const refused = new ProblemError('rate_limited', 'Too many reads', { retryAfterSeconds: 1 });
  onTake = async () => ({ standings: [], refused, waitMs: 1000 });
  const askWith = (path: string) => ask(path, 'Authorization: Bearer cc_key\r\n');
  const began = performance.now();
  for (let n = 0; n < 20; n += 1) expect(statusOf(await askWith('/v1/calls'))).toBe(429);
  // A slow machine may take longer than the moment lasts.
  expect(looks).toBeLessThanOrEqual(1 + Math.floor((performance.now() - began) / 1000));
  const before = looks;
  onTake = async () => ({ standings: [] });
  await say('PUT /v1/users/ann HTTP/1.1\r\nHost: door\r\nConnection: close\r\nAuthorization: Bearer cc_key\r\nContent-Length: 0\r\n\r\n');
  expect(looks).toBe(before + 1);
});
