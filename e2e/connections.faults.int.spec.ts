/*
 * Whoever opens connections without end takes nobody's place but his own: at every door the one that is too many is told so, devices that
 * have signed in go on, and once the others are gone everybody is let in again.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { endOf, Fleet, Phones, ringOf } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';

/** As shipped. */
const most = 1000;
const fleet = new Fleet();
const phones = new Phones(fleet);
const held: Socket[] = [];

afterEach(() => {
  phones.closeAll();
  for (const socket of held.splice(0)) socket.destroy();
});

/** Opens so many that none is left, whoever else has some; what ends meanwhile is opened again. */
async function flood(port: number): Promise<void> {
  const sockets = Array.from({ length: most }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  held.push(...sockets);
  await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
}

async function say(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  held.push(socket);
  socket.write(text);
  const [heard] = (await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [''])])) as [Buffer | ''];
  socket.destroy();
  return String(heard);
}

const http = 'GET /health HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n';
const sip = [
  'OPTIONS sip:demo SIP/2.0',
  'Via: SIP/2.0/TCP 127.0.0.1:5080;branch=z9hG4bKabc;rport',
  'From: <sip:phone@demo>;tag=one',
  'To: <sip:demo>',
  'Call-ID: flood@phone',
  'CSeq: 1 OPTIONS',
  'Content-Length: 0',
  '',
  '',
].join('\r\n');

test.each([
  ['gateway', () => Number(new URL(fleet.url).port), http, /^HTTP\/1\.1 429 [\s\S]*"code":"rate_limited"/, /^HTTP\/1\.1 200/],
  ['media', () => Number(new URL(fleet.state.mediaUrl).port), http, /^HTTP\/1\.1 429 [\s\S]*"code":"rate_limited"/, /^HTTP\/1\.1 426/],
  ['sip', () => fleet.state.ports.sip ?? 0, sip, /^SIP\/2\.0 503 [\s\S]*Retry-After: /, /^SIP\/2\.0 200/],
] as const)(
  'at the door of %s an address has so many connections and no more',
  async (service, portOf, asking, refused, served) => {
    const app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
    const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
    const port = portOf();
    await flood(port);
    const before = (await fleet.figuresOf(service)).get('refused_connections_total{why="address_full"}') ?? 0;
    expect(await say(port, asking)).toMatch(refused);
    expect((await fleet.figuresOf(service)).get('refused_connections_total{why="address_full"}')).toBe(before + 1);
    const call = await alice.center.call(['bob']);
    await (await ringOf(bob)).answer();
    await call.hangUp();
    await endOf(call);
    for (const socket of held.splice(0)) socket.destroy();
    await expect.poll(() => say(port, asking), { timeout: 10_000 }).toMatch(served);
  },
  60_000,
);
