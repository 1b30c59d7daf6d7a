/*
 * Pushes over real sockets, with TLS as platforms want it: a server whose certificate is good for its name gets it; another's is refused by name; who hangs,
 * wherever that is, or reads too slowly, ends the push in time, with why, and holds little memory; and nobody inside is connected to.
 */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import type { PushFault } from '@communication-center/contracts/broadcasts';
import { AddressGuard } from '@communication-center/service';
import { eventually } from '@communication-center/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PushStream } from './push-stream.js';
import { PushFailed, RtmpPublisher } from './rtmp-publisher.js';
import { type Behaviour, RtmpServer } from './rtmp-server.fixture.js';

const timeoutMs = 700;
const streamKey = 'live_secret_1234';
const before = getCACertificates('default');
let folder: string;
let trusted: { cert: string; key: string };
let ofAnotherName: { cert: string; key: string };
let ofNobody: { cert: string; key: string };
const running: { close: () => void }[] = [];

/** @param names that it is good for. */
async function certificate(name: string, names: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert],
      ...['-days', '2', '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`],
    ],
    { stdio: 'ignore' },
  );
  return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rtmps-'));
  trusted = await certificate('trusted', 'DNS:localhost,IP:127.0.0.1');
  ofAnotherName = await certificate('another', 'DNS:live.example.com');
  ofNobody = await certificate('nobody', 'DNS:localhost,IP:127.0.0.1');
  setDefaultCACertificates([...before, trusted.cert, ofAnotherName.cert]);
  const made = ['-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=10', '-f', 'lavfi', '-i', 'sine=440:r=48000', '-t', '1'];
  const encoded = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-c:a', 'aac', '-f', 'mpegts'];
  await promisify(execFile)('ffmpeg', ['-v', 'error', ...made, ...encoded, join(folder, 'segment.ts')]);
});
afterAll(async () => {
  setDefaultCACertificates(before);
  await rm(folder, { recursive: true });
});
afterEach(() => {
  for (const one of running.splice(0)) one.close();
});

const guard = (more: object = {}) =>
  new AddressGuard({ PROFILE: 'development', ALLOW_PRIVATE_ADDRESSES: true, OUTSIDE_PORTS: [], OUTSIDE_ALLOWED: [], ...more } as never);

async function aServer(behaviour: Behaviour = {}, tls?: { cert: string; key: string }): Promise<{ server: RtmpServer; port: number }> {
  const server = new RtmpServer(behaviour, tls);
  running.push(server);
  return { server, port: await server.listen() };
}

async function listening(onSocket: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer((socket) => onSocket(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  running.push({ close: () => server.close() });
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

/** @returns what becomes of a push, and how long that took. */
function aPush(url: string, guarded = guard()) {
  const told: { live?: true; fault?: PushFault; said?: string; afterMs?: number } = {};
  const began = performance.now();
  const stream = new PushStream(
    { url, streamKey },
    {
      ...{ guard: guarded, folder, timeoutMs },
      onLive: () => (told.live = true),
      onEnd: (fault, error) => Object.assign(told, { fault, said: error.message, afterMs: performance.now() - began }),
    },
  );
  running.push(stream);
  return { stream, told };
}

const ended = async (told: { fault?: PushFault; said?: string }) => {
  await eventually('the fault', () => told.fault, 10_000);
  return told.fault;
};

test.each(['localhost', '127.0.0.1'])('a server behind TLS at %s gets it, with its key, in whatever pieces it speaks', async (host) => {
  const { server, port } = await aServer({ pieces: { bytes: 700, everyMs: 5 } }, trusted);
  const { stream, told } = aPush(`rtmps://${host}:${port}/app`);
  await eventually('it being published to', () => server.commands.some(([command]) => command === 'publish'));
  await eventually('a picture', () => {
    stream.push('segment.ts');
    return told.live;
  });
  await eventually('pictures and sound there', () => [8, 9, 18].every((type) => server.messages.some((one) => one.type === type)));
  expect(server.commands.find(([command]) => command === 'publish')).toContain(streamKey);
  expect(told.fault).toBeUndefined();
});

test.each([
  ['is good for another name', () => ofAnotherName, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['is of nobody who is trusted', () => ofNobody, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
])('a certificate that %s is refused by name, and the key is not told', async (_, tls, code) => {
  const { server, port } = await aServer({}, tls());
  const { told } = aPush(`rtmps://localhost:${port}/app`);
  expect(await ended(told)).toBe('certificate_refused');
  expect(told.said).toContain(code);
  expect(server.commands).toEqual([]);
});

test('a server without TLS where TLS is wished is left in time, and the key is not told', async () => {
  const { server, port } = await aServer();
  const { told } = aPush(`rtmps://localhost:${port}/app`);
  expect(['timed_out', 'unreachable']).toContain(await ended(told));
  expect([server.commands, (told as { afterMs?: number }).afterMs ?? 0]).toEqual([[], expect.any(Number)]);
  expect((told as { afterMs?: number }).afterMs).toBeLessThan(timeoutMs * 3);
});

test('nobody inside is connected to, by a name or an address, with TLS or without', async () => {
  let connected = 0;
  const port = await listening(() => (connected += 1));
  const inside = guard({ PROFILE: 'production', ALLOW_PRIVATE_ADDRESSES: false });
  for (const host of ['localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]']) {
    const { told } = aPush(`rtmps://${host}:${port}/app`, inside);
    expect(['address_refused', 'unreachable']).toContain(await ended(told));
  }
  expect(connected).toBe(0);
});

test.each<[string, () => Promise<string>]>([
  ['in the handshake of TLS', async () => `rtmps://localhost:${await listening(() => undefined)}/app`],
  ['in the handshake of RTMP', async () => `rtmp://localhost:${await listening(() => undefined)}/app`],
  ['once hands are shaken', async () => `rtmps://localhost:${(await aServer({ hangsAfter: 'handshake' }, trusted)).port}/app`],
  ['once it is asked to connect', async () => `rtmps://localhost:${(await aServer({ hangsAfter: 'connect' }, trusted)).port}/app`],
  [
    'though it says a byte now and then',
    async () => `rtmps://localhost:${(await aServer({ pieces: { bytes: 1, everyMs: 20 } }, trusted)).port}/app`,
  ],
])('a server that hangs %s ends the push as timed out, within its time', async (_, url) => {
  const { told } = aPush(await url());
  expect(await ended(told)).toBe('timed_out');
  // A step for TLS, and one until it may be published.
  expect((told as { afterMs?: number }).afterMs).toBeLessThan(timeoutMs * 3);
});

/** @returns a publisher on a connection of its own, without anything that makes media. */
async function aPublisher(behaviour: Behaviour, isSecured = false): Promise<{ publisher: RtmpPublisher; socket: Socket }> {
  const { port } = await aServer(behaviour, isSecured ? trusted : undefined);
  const socket = isSecured ? connectTls(port, 'localhost') : connect(port, '127.0.0.1');
  await once(socket, isSecured ? 'secureConnect' : 'connect');
  const publisher = await RtmpPublisher.open(socket, { app: 'app', url: 'rtmp://localhost/app', streamKey, timeoutMs });
  running.push(publisher);
  return { publisher, socket };
}

test.each([false, true])(
  'a server that takes less than it is sent ends it, and what waits for it is bounded (TLS: %s)',
  async (isSecured) => {
    const { publisher } = await aPublisher({ hangsAfter: 'publish' }, isSecured);
    let fault: unknown;
    publisher.failed.catch((error: unknown) => (fault = error));
    const heldBefore = process.memoryUsage().arrayBuffers;
    const bytes = Buffer.alloc(100_000, 1);
    let sent = 0;
    while (fault === undefined && sent < 100_000_000) {
      publisher.send({ type: 9, at: sent / 1000, bytes });
      sent += bytes.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(fault).toBeInstanceOf(PushFailed);
    expect((fault as PushFailed).fault).toBe('too_slow');
    // What the kernel takes for both ends, and what may be unsent.
    expect(sent).toBeLessThan(30_000_000);
    expect(process.memoryUsage().arrayBuffers - heldBefore).toBeLessThan(20_000_000);
  },
);

test.each([false, true])(
  'a server that takes nothing more in the middle ends it as timed out, in its time (TLS: %s)',
  async (isSecured) => {
    const { publisher, socket } = await aPublisher({ hangsAfter: 'publish' }, isSecured);
    const failed = publisher.failed.catch((error: unknown) => error);
    // As much as the kernel takes, and a little more.
    for (let at = 0; socket.writableLength < 200_000; at += 1) {
      publisher.send({ type: 9, at, bytes: Buffer.alloc(100_000, 1) });
      await new Promise((resolve) => setImmediate(resolve));
    }
    const began = performance.now();
    expect(((await failed) as PushFailed).fault).toBe('timed_out');
    expect(performance.now() - began).toBeLessThan(timeoutMs * 4);
  },
);

test('a server that asks again and again, and one that says more than any has to, are not answered for ever', async () => {
  const ping = Buffer.from([2, 0, 0, 0, 0, 0, 6, 4, 0, 0, 0, 0, 0, 6, 1, 2, 3, 4]);
  const { publisher } = await aPublisher({ says: { bytes: Buffer.concat(Array.from({ length: 1000 }, () => ping)), forEver: true } });
  const fault = await publisher.failed.catch((error: unknown) => error);
  expect((fault as PushFailed).fault).toBe('refused');
});

test('a server that goes in the middle is told as broken', async () => {
  const { server, port } = await aServer({}, trusted);
  const { stream, told } = aPush(`rtmps://localhost:${port}/app`);
  await eventually('a picture', () => {
    stream.push('segment.ts');
    return told.live;
  });
  for (const socket of server.sockets) socket.destroy();
  expect(await ended(told)).toBe('broken');
});
