/*
 * Where an installation lets nothing out but through a proxy, addresses that others name are judged here all the same, and the proxy is
 * told what was judged.
 */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type Server as SecureServer, createServer as secureServer } from 'node:https';
import { type AddressInfo, connect as connectTo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { makeCertificates } from '../../../../tools/launcher/infrastructure/secured.mjs';
import { AddressGuard, addressSettings } from './address-guard.js';
import { openTunnel } from './egress-proxy.js';

type Looked = ConstructorParameters<typeof AddressGuard>[1];
const resolving =
  (answers: () => string[]): NonNullable<Looked> =>
  (_name, _options, done) =>
    done(
      null,
      answers().map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

let proxy: Server;
let behind: SecureServer;
let asked: { target: string; authorization: string | undefined }[];
let answer: string;
let agent: Agent;
const folder = mkdtempSync(join(tmpdir(), 'egress-proxy-'));
const { ca, server } = makeCertificates(folder, 'DNS:hooks.example');

beforeEach(async () => {
  asked = [];
  answer = 'HTTP/1.1 200 Connection established\r\n\r\n';
  behind = secureServer({ cert: readFileSync(server.cert), key: readFileSync(server.key) }, (_incoming, response) => response.end('hello'));
  await once(behind.listen(0, '127.0.0.1'), 'listening');
  proxy = createServer().on('connect', (incoming, socket: Socket) => {
    asked.push({ target: incoming.url ?? '', authorization: incoming.headers['proxy-authorization'] });
    socket.on('error', () => undefined);
    if (answer === '') return;
    socket.write(answer);
    if (!answer.startsWith('HTTP/1.1 2')) return socket.end();
    const there = connectTo((behind.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
    socket.pipe(there).pipe(socket);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
});
afterEach(async () => {
  await agent.destroy();
  for (const one of [proxy, behind]) {
    one.closeAllConnections();
    one.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const ask = async (url: string, lookUp?: Looked) => {
  const { port } = proxy.address() as AddressInfo;
  const settings = z.object(addressSettings).parse({ EGRESS_PROXY: `http://center:pass%20word@127.0.0.1:${port}` });
  const guard = new AddressGuard({ PROFILE: 'production', ...settings }, lookUp);
  agent = new Agent({ connect: guard.connector({ ca: readFileSync(ca) }) });
  return request(url, { dispatcher: agent }).then(
    ({ body }) => body.text(),
    ({ message, code }: { message: string; code?: string }) => code ?? message,
  );
};

test('the proxy is told the address that was judged, and the other end proves the name', async () => {
  let looked = 0;
  const once = resolving(() => (++looked === 1 ? ['8.8.8.8'] : ['127.0.0.1']));
  expect(await ask('https://hooks.example/', once)).toBe('hello');
  const authorization = `Basic ${Buffer.from('center:pass word').toString('base64')}`;
  expect([looked, asked]).toEqual([1, [{ target: '8.8.8.8:443', authorization }]]);
  await agent.destroy();
  expect(
    await ask(
      'https://other.example/',
      resolving(() => ['2606:4700::1111']),
    ),
    'a certificate of another name',
  ).toContain('ERR_TLS_CERT');
  expect(asked.at(-1)?.target).toBe('[2606:4700::1111]:443');
});

test.each(['https://127.0.0.1/', 'https://[::ffff:10.0.0.1]/', 'https://2852039166/'])('%s is not even asked for', async (url) => {
  expect(await ask(url)).toBe('EACCES');
  expect(asked).toEqual([]);
});

test('a name that leads inside is not even asked for', async () => {
  expect(
    await ask(
      'https://rebinding.example/',
      resolving(() => ['10.0.0.1', '::1']),
    ),
  ).toBe('EACCES');
  expect(asked).toEqual([]);
});

test.each([
  ['refuses', 'HTTP/1.1 403 Forbidden\r\n\r\n', 'answered HTTP/1.1 403'],
  ['talks of something else', 'SSH-2.0-server\r\n\r\n', 'answered SSH-2.0-server'],
  ['talks without an end', 'x'.repeat(20_000), 'more than CONNECT has'],
])('one that %s is a failure that says so', async (_what, said, why) => {
  answer = said;
  expect(
    await ask(
      'https://hooks.example/',
      resolving(() => ['8.8.8.8']),
    ),
  ).toContain(why);
});

test('one that says nothing is given up in time', async () => {
  answer = '';
  const { port } = proxy.address() as AddressInfo;
  agent = new Agent();
  await expect(openTunnel(new URL(`http://127.0.0.1:${port}`), { address: '8.8.8.8', port: 443 }, 200)).rejects.toThrow(
    'no answer within 200 ms',
  );
});
