/*
 * Endpoints on one host are held up by each other no more than those on two; a request that is broken off is told from one that
 * failed.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AppId } from '@communication-center/contracts';
import { addressSettings } from '@communication-center/service';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { Sender } from './sender.js';

const outside = z.object(addressSettings).parse({});
let host: Server;
let sender: Sender;
let hanging: number;

beforeEach(async () => {
  hanging = 0;
  host = createServer((request, response) => {
    if (request.url === '/hangs') hanging += 1;
    else if (request.url === '/says') response.writeHead(500).end(`\0sorry ${'é'.repeat(20_000)}`);
    else response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  sender = new Sender(
    { ...outside, ALLOW_PRIVATE_ADDRESSES: true, REQUEST_TIMEOUT_MS: 10_000, LANE_CONCURRENCY: 2 } as never,
    { info: () => undefined } as never,
  );
});

afterEach(async () => {
  await sender.onApplicationShutdown();
  host.closeAllConnections();
  host.close();
});

/** What an endpoint of before has. */
const plain = {
  appId: 'app' as AppId,
  eventTypes: [],
  filters: {},
  secrets: [{ text: `whsec_${randomBytes(32).toString('base64')}`, until: null }],
  headers: {},
  authentication: null,
  clientCertificate: null,
  timeoutMs: null,
  ratePerSecond: null,
  concurrency: null,
  ordering: 'per_subject' as const,
  payloadVersion: '2026-11-28',
  bodyFormat: 'standard_webhooks' as const,
};

function send(path: string, signal = new AbortController().signal) {
  const endpoint = {
    ...plain,
    endpointId: path,
    url: `http://127.0.0.1:${(host.address() as AddressInfo).port}${path}`,
  };
  return sender.send(endpoint, { deliveryId: 'one', body: '{}', signal });
}

test('one that hangs takes no connection from another on the same host, and is broken off when it has to be', async () => {
  const stop = new AbortController();
  const waiting = Array.from({ length: 8 }, () => send('/hangs', stop.signal));
  while (hanging < 8) await new Promise((resolve) => setImmediate(resolve));
  expect(await send('/well')).toMatchObject({ status: 204, error: null });
  stop.abort();
  expect(await Promise.all(waiting)).toEqual(waiting.map(() => 'broken off'));
});

test('a refusal of the connection is a failure, not something broken off', async () => {
  const { port } = host.address() as AddressInfo;
  host.close();
  const endpoint = { ...plain, endpointId: 'e', url: `http://127.0.0.1:${port}/` };
  const result = await sender.send(endpoint, { deliveryId: 'one', body: '{}', signal: new AbortController().signal });
  expect(result).toMatchObject({ status: null, error: expect.stringContaining('ECONNREFUSED') });
});

test('an endpoint inside the network is not connected to, and its attempt says so', async () => {
  const guarded = new Sender(
    { ...outside, PROFILE: 'production', REQUEST_TIMEOUT_MS: 10_000 } as never,
    { info: () => undefined } as never,
  );
  const { port } = host.address() as AddressInfo;
  for (const url of [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`, `http://[::ffff:7f00:1]:${port}/`]) {
    const endpoint = { ...plain, endpointId: 'e', url };
    const result = await guarded.send(endpoint, { deliveryId: 'one', body: '{}', signal: new AbortController().signal });
    expect(result).toMatchObject({ status: null, error: expect.stringContaining('no address of the public internet') });
  }
  await guarded.onApplicationShutdown();
});

test('an endpoint that says how long it takes is waited for so long, and never longer than the installation waits', async () => {
  const { port } = host.address() as AddressInfo;
  const hangs = (timeoutMs: number) =>
    sender.send(
      { ...plain, endpointId: 'e', url: `http://127.0.0.1:${port}/hangs`, timeoutMs },
      { deliveryId: 'one', body: '{}', signal: new AbortController().signal },
    );
  expect(await hangs(300)).toMatchObject({ status: null, error: expect.stringContaining('timeout') });
});

test('of an answer the first 512 bytes are kept, and of one that says nothing none', async () => {
  const { status, answer } = (await send('/says')) as { status: number; answer: string };
  expect([status, answer.startsWith('sorry éé'), Buffer.byteLength(answer) <= 515]).toEqual([500, true, true]);
  expect(await send('/well')).toMatchObject({ answer: null });
});
