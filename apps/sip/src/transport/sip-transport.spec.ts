/*
 * SIP is spoken over TCP and TLS alike; no address has more connections than it may, and whoever has too many is told so; who does not sign
 * in does not stay.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { Peer } from '../messages/sip-message.js';
import type { SipTransport, SipTransportOptions } from './sip-transport.js';
import { RenewedCertificate } from './tls-files.js';
import { noProxies, openSomewhere } from './transport.fixture.js';

let folder: string;
let transport: SipTransport;
let [port, tlsPort] = [0, 0];
const taken: { text: string; peer: Peer }[] = [];
const errors: string[] = [];
const sockets: Socket[] = [];

function makeCertificate(name: string): { certFile: string; keyFile: string } {
  const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyFile];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', certFile, '-days', '2', '-subj', `/CN=${name}`], { stdio: 'ignore' });
  return { certFile, keyFile };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sip-tls-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await transport.close();
  expect(errors.splice(0)).toEqual([]);
  taken.splice(0);
});

async function openWith(options: Partial<SipTransportOptions> = {}): Promise<void> {
  const onMessage = (bytes: Buffer, peer: Peer) => void taken.push({ text: String(bytes), peer });
  ({ transport, port, tlsPort } = await openSomewhere({
    onMessage,
    onError: (error, doing) => errors.push(`${doing}: ${error}`),
    ...options,
  }));
  errors.splice(0);
}

const ours = (socket: Socket): Socket => {
  socket.on('error', () => undefined);
  sockets.push(socket);
  return socket;
};
const overTcp = () => ours(connect(port, '127.0.0.1'));
const overTls = (more = {}) => ours(connectTls({ port: tlsPort, host: '127.0.0.1', rejectUnauthorized: false, ...more })) as TLSSocket;
const heard = async (socket: Socket) => String((await once(socket, 'data'))[0]);
const ended = (socket: Socket) => new Promise((resolve) => socket.resume().once('close', resolve));
const count = (number: number) => expect.poll(() => taken.length).toBe(number);
const shown = async () => {
  const socket = overTls();
  await once(socket, 'secureConnect');
  return socket.getPeerCertificate().subject.CN;
};

test('over TLS a message is answered on its own connection, and nobody is called back when that has ended', async () => {
  await openWith({ tls: { port: 0, ...makeCertificate('door') } });
  const phone = overTls();
  phone.write('one\r\n\r\n');
  await count(1);
  const peer = taken[0]?.peer as Peer;
  expect(peer).toMatchObject({ transport: 'tls', host: '127.0.0.1' });
  transport.send('answer', peer);
  expect(await heard(phone)).toBe('answer');
  phone.destroy();
  await expect.poll(() => transport.signIn(peer)).toBe(true);
  transport.send('later', peer);
});

test('what is no TLS at its port, and a handshake that breaks off, harm nobody', async () => {
  await openWith({ tls: { port: 0, ...makeCertificate('door') } });
  const plain = ours(connect(tlsPort, '127.0.0.1'));
  plain.write('OPTIONS sip:demo SIP/2.0\r\n\r\n');
  await ended(plain);
  const half = ours(connect(tlsPort, '127.0.0.1'));
  half.write(Buffer.from([0x16, 3, 1, 0, 200, 1]));
  half.end();
  await ended(half);
  overTls().write('one\r\n\r\n');
  await count(1);
});

test('an old version of TLS is refused', async () => {
  await openWith({ tls: { port: 0, ...makeCertificate('door') } });
  await ended(overTls({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' }));
  expect(taken).toEqual([]);
});

test('a renewed certificate is shown to whoever connects next, and one that is broken is not', async () => {
  const tls = { port: 0, ...makeCertificate('old') };
  await openWith({ tls });
  expect(await shown()).toBe('old');
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const contexts: unknown[] = [];
  const failed: string[] = [];
  const renewed = new RenewedCertificate(
    { setSecureContext: (context: unknown) => void contexts.push(context) } as never,
    tls,
    (_error, doing) => failed.push(doing),
    1000,
  );
  vi.advanceTimersByTime(1000);
  expect(contexts).toEqual([]);
  utimesSync(tls.certFile, new Date(), new Date(Date.now() + 5000));
  vi.advanceTimersByTime(1000);
  expect(contexts).toHaveLength(1);
  rmSync(tls.certFile);
  vi.advanceTimersByTime(1000);
  expect([contexts.length, failed.length]).toEqual([1, 1]);
  renewed.stop();
  vi.useRealTimers();
});

test.each(['tcp', 'tls'] as const)('over %s an address with as many connections as it may is refused until one has gone', async (way) => {
  const onTooMany = (bytes: Buffer) => `no ${String(bytes).trim()}`;
  const tls = { port: 0, ...makeCertificate('door') };
  await openWith({ tls, onTooMany, clients: { ...noProxies, CONNECTIONS_PER_ADDRESS: 1 } });
  const call = () => (way === 'tcp' ? overTcp() : overTls());
  const first = call();
  first.write('one\r\n\r\n');
  await count(1);
  const second = call();
  second.write('two\r\n\r\n');
  // Over TLS nothing can be said before a handshake, which is not worth it.
  if (way === 'tcp') expect(await heard(second)).toBe('no two');
  await ended(second);
  expect(taken).toHaveLength(1);
  first.destroy();
  await expect
    .poll(() => {
      call().write('three\r\n\r\n');
      return taken.length;
    })
    .toBeGreaterThan(1);
});

test('who has signed in is not counted among those who have not, and no more of them than may', async () => {
  await openWith({ clients: { ...noProxies, CONNECTIONS_PER_ADDRESS: 1, SIGNED_IN_PER_ADDRESS: 2 } });
  const signedIn: boolean[] = [];
  for (let number = 1; number <= 3; number += 1) {
    overTcp().write('hello\r\n\r\n');
    await count(number);
    signedIn.push(transport.signIn(taken[number - 1]?.peer as Peer));
  }
  expect(signedIn).toEqual([true, true, false]);
});

test('who says nothing and does not sign in is cut off; who has signed in stays', async () => {
  await openWith({ idleBeforeSignInMs: 300 });
  const [stays, goes] = [overTcp(), overTcp()];
  stays.write('hello\r\n\r\n');
  await count(1);
  transport.signIn(taken[0]?.peer as Peer);
  goes.write('\r\n\r\n');
  await ended(goes);
  stays.write('again\r\n\r\n');
  await count(2);
});

test.each(['tcp', 'tls'] as const)('over %s and a proxy that speaks the PROXY protocol a peer is the client', async (way) => {
  const clients = { ...noProxies, TRUSTED_PROXIES: ['127.0.0.1'], PROXY_PROTOCOL: true };
  await openWith({ tls: { port: 0, ...makeCertificate('door') }, clients });
  const raw = ours(connect(way === 'tcp' ? port : tlsPort, '127.0.0.1'));
  await once(raw, 'connect');
  raw.write('PROXY TCP4 198.51.100.9 10.0.0.1 4711 5060\r\n');
  const socket = way === 'tcp' ? raw : ours(connectTls({ socket: raw, rejectUnauthorized: false }));
  socket.write('one\r\n\r\n');
  await count(1);
  const { peer } = taken[0] as { peer: Peer };
  expect(peer).toEqual({ transport: way, host: '198.51.100.9', port: 4711 });
  transport.send('answer', peer);
  expect(await heard(socket)).toBe('answer');
});

test('with the header and the handshake in one piece nothing of either is lost', async () => {
  const clients = { ...noProxies, TRUSTED_PROXIES: ['127.0.0.1'], PROXY_PROTOCOL: true };
  await openWith({ tls: { port: 0, ...makeCertificate('door') }, clients });
  const raw = ours(connect(tlsPort, '127.0.0.1'));
  await once(raw, 'connect');
  raw.cork();
  raw.write('PROXY TCP4 198.51.100.9 10.0.0.1 4711 5060\r\n');
  const socket = ours(connectTls({ socket: raw, rejectUnauthorized: false }));
  setImmediate(() => raw.uncork());
  socket.write('one\r\n\r\n');
  await count(1);
});
