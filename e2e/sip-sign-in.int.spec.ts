/*
 * A phone signs in for what it asks and for nothing else, once: who heard a request on its way can do nothing with it, at no replica; what
 * UDP repeats is let through. What is no subscription is answered, too.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { SipAccountView } from '@communication-center/contracts';
import { challengeIn, digestLine, eventually, Fleet, Phones, ringOf, SipLine, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
const lines: SipLine[] = [];
let app: TestApp;
let credentials: { username: string; password: string; realm: string };
let target: string;

beforeAll(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
  await fleet.makeUser(app, 'bob');
  const { body } = await account('desk');
  credentials = { username: 'desk', password: body.password ?? '', realm: app.appId };
  target = `sip:bob@${app.appId}`;
  await eventually('bob being known', async () => Number((await fleet.rest('GET', '/v1/presence/bob', app.key)).body.version) > 0);
});

afterEach(() => {
  for (const line of lines.splice(0)) line.close();
});
afterAll(() => phones.closeAll());

const account = (username: string, body?: object) =>
  fleet.rest<SipAccountView>('PUT', `/v1/apps/${app.appId}/sip-accounts/${username}`, app.key, body);

async function lineTo(replica = 'sip', transport: 'UDP' | 'TCP' = 'UDP'): Promise<SipLine> {
  const port = fleet.state.ports[replica] ?? 0;
  const line = await (transport === 'UDP' ? SipLine.overUdp(port) : SipLine.overTcp(port));
  lines.push(line);
  return line;
}

const statusOf = (answer: string) => Number(/^SIP\/2\.0 (\d+)/.exec(answer)?.[1]);
const subscribing = (cseq: number, more: string[] = [], uri = target) => ({
  method: 'SUBSCRIBE',
  uri,
  cseq,
  more: ['Contact: <sip:desk@127.0.0.1:5999>', 'Event: dialog', 'Expires: 600', ...more],
});
const shown = (nonce: string, more: object = {}) => digestLine(credentials, { method: 'SUBSCRIBE', uri: target, nonce, ...more });

async function challenge(line: SipLine, cseq = 1): Promise<ReturnType<typeof challengeIn>> {
  const answer = await line.ask(subscribing(cseq));
  expect(statusOf(answer)).toBe(401);
  return challengeIn(answer);
}

test('an account is offered SHA-256 first, and what it wants where it says so', async () => {
  const line = await lineTo();
  expect((await challenge(line)).algorithms).toEqual(['SHA-256', 'MD5']);
  const { body } = await account('old', { algorithms: ['MD5'] });
  expect(body.algorithms).toEqual(['MD5']);
  const old = { username: 'old', password: body.password ?? '', realm: app.appId };
  const asked = { ...subscribing(2), more: [...subscribing(2).more, digestLine(old, { method: 'SUBSCRIBE', uri: target, nonce: 'none' })] };
  const { algorithms, nonce } = challengeIn(await line.ask(asked));
  expect(algorithms).toEqual(['MD5']);
  const by = (algorithm: string) => digestLine(old, { method: 'SUBSCRIBE', uri: target, nonce, algorithm });
  // What it is not offered it may not use.
  expect(statusOf(await line.ask(subscribing(3, [by('SHA-256')])))).toBe(401);
  expect(statusOf(await line.ask(subscribing(4, [by('MD5')])))).toBe(200);
  // A new password leaves it what it has.
  expect((await account('old')).body).toMatchObject({ algorithms: ['MD5'], password: expect.any(String) });
  expect((await account('old', { algorithms: ['MD5', 'MD5'] })).status).toBe(400);
});

test('each count of a nonce is good for one request, whoever shows it again and wherever', async () => {
  const line = await lineTo();
  const { nonce } = await challenge(line);
  const first = { ...subscribing(2, [shown(nonce)]), branch: 'z9hG4bKonce' };
  expect(statusOf(await line.ask(first))).toBe(200);
  // What UDP repeats is that very request.
  expect(statusOf(await line.ask(first))).toBe(200);
  const another = await line.ask(subscribing(3, [shown(nonce)]));
  expect([statusOf(another), challengeIn(another).stale]).toEqual([401, true]);
  // Counts may come in any order, each once.
  expect(statusOf(await line.ask({ ...subscribing(4, [shown(nonce, { count: 3 })]), callId: 'third' }))).toBe(200);
  expect(statusOf(await line.ask({ ...subscribing(5, [shown(nonce, { count: 2 })]), callId: 'second' }))).toBe(200);
  for (const replica of fleet.replicasOf('sip')) {
    const thief = await lineTo(replica);
    const stolen = await thief.ask(first);
    expect([statusOf(stolen), challengeIn(stolen).stale, thief.requests]).toEqual([401, true, []]);
  }
});

test('a hundred lamps at once by one nonce are all lit', async () => {
  const line = await lineTo();
  const { nonce } = await challenge(line);
  const asking = Array.from({ length: 100 }, (_, index) =>
    line.ask({ ...subscribing(10 + index, [shown(nonce, { count: index + 1 })]), callId: `lamp-${index}` }),
  );
  expect((await Promise.all(asking)).filter((answer) => statusOf(answer) !== 200)).toEqual([]);
});

test('a digest opens nothing but what it was made for', async () => {
  const line = await lineTo();
  await fleet.makeUser(app, 'carol');
  const { nonce } = await challenge(line);
  const elsewhere = await line.ask(subscribing(2, [shown(nonce)], `sip:carol@${app.appId}`));
  expect([statusOf(elsewhere), elsewhere.includes('the uri of the digest')]).toEqual([400, true]);
  // It was not used up by that.
  expect(statusOf(await line.ask(subscribing(3, [shown(nonce)])))).toBe(200);
});

test.each(['UDP', 'TCP'] as const)('over %s, what is no subscription is answered by what it is', async (transport) => {
  const line = await lineTo('sip', transport);
  const ask = async (method: string, cseq: number, more: string[] = []) => {
    const answer = await line.ask({ method, uri: `sip:${app.appId}`, cseq, more });
    return [statusOf(answer), /^Allow: (.*)$/m.exec(answer)?.[1]?.trim()];
  };
  expect(await ask('REGISTER', 1, ['Contact: *', 'Expires: 0'])).toEqual([405, 'SUBSCRIBE, OPTIONS']);
  expect(await ask('REGISTER', 2, ['Contact: <sip:desk@127.0.0.1:5999>'])).toEqual([405, 'SUBSCRIBE, OPTIONS']);
  expect(await ask('DANCE', 3)).toEqual([501, 'SUBSCRIBE, OPTIONS']);
  expect(await ask('CANCEL', 4)).toEqual([481, 'SUBSCRIBE, OPTIONS']);
  expect(await ask('OPTIONS', 5)).toEqual([200, 'SUBSCRIBE, OPTIONS']);
});

test('a phone that registers is told for good that nobody registers here: it is neither challenged nor let believe that it could be called', async () => {
  const line = await lineTo();
  const uri = `sip:${app.appId}`;
  const { nonce } = await challenge(line);
  const right = digestLine(credentials, { method: 'REGISTER', uri, nonce });
  for (const [index, more] of [[], [right]].entries()) {
    const contact = ['Contact: <sip:desk@127.0.0.1:5999>;expires=3600', 'Expires: 3600'];
    const answer = await line.ask({ method: 'REGISTER', uri, cseq: 10 + index, branch: `z9hG4bKreg${index}`, more: [...contact, ...more] });
    const [first, ...fields] = answer.split('\r\n\r\n')[0]?.split('\r\n') ?? [];
    const names = fields.map((field) => field.split(':')[0]?.toLowerCase());
    expect(first).toBe('SIP/2.0 405 Method Not Allowed');
    expect(fields).toEqual(expect.arrayContaining(['Allow: SUBSCRIBE, OPTIONS', 'Allow-Events: dialog, presence']));
    expect(fields).toEqual(expect.arrayContaining([`Call-ID: ${line.callId}`, `CSeq: ${10 + index} REGISTER`, 'Content-Length: 0']));
    expect(fields.find((field) => /^via:/i.test(field))).toContain(`branch=z9hG4bKreg${index}`);
    expect(fields.find((field) => /^to:/i.test(field))).toMatch(/;tag=\w+$/);
    expect(names.filter((name) => ['www-authenticate', 'contact', 'expires', 'min-expires', 'retry-after'].includes(name ?? ''))).toEqual(
      [],
    );
  }
  // Nothing was signed in by it: the count of the nonce is still to be used.
  expect(statusOf(await line.ask(subscribing(20, [shown(nonce)])))).toBe(200);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts one more replica. @param more settings of its own, in place of those it shares with the others. */
async function startReplica(more: Record<string, string>): Promise<{ sipPort: number; stop: () => Promise<void> }> {
  const [port, sipPort] = [await freePort(), await freePort()];
  const { servers, secrets } = fleet.state;
  const child = spawn(process.execPath, [resolve(import.meta.dirname, '../apps/sip/dist/main.js')], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      PROFILE: 'development',
      MIGRATE: 'false',
      PORT: String(port),
      DATABASE_URL: servers.database,
      KAFKA_BROKERS: servers.brokers,
      IDENTITY_PRIVATE_JWK: JSON.stringify(secrets.privateKeys.sip),
      IDENTITY_PUBLIC_JWKS: JSON.stringify(secrets.jwks),
      DIRECTORY_URL: fleet.urlOf('directory'),
      PRESENCE_URL: fleet.urlOf('presence'),
      SIP_PORT: String(sipPort),
      NONCE_KEY: randomBytes(32).toString('base64'),
      ...more,
    },
  });
  const ended = once(child, 'exit');
  const isReady = async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok;
  await eventually('one more replica', isReady, 30_000);
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { sipPort, stop };
}

/** One more replica, that speaks TLS as well. */
async function startOverTls(): Promise<{ tlsPort: number; stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'sip-tls-'));
  const [cert, key] = [join(folder, 'door.crt'), join(folder, 'door.key')];
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...made, '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'], {
    stdio: 'ignore',
  });
  const tlsPort = await freePort();
  const replica = await startReplica({ SIP_TLS_PORT: String(tlsPort), SIP_TLS_CERT_FILE: cert, SIP_TLS_KEY_FILE: key });
  return {
    tlsPort,
    stop: async () => {
      await replica.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

test('of two replicas of which one signs with the next key, either takes what both can know; what one cannot yet is asked anew, not for a password', async () => {
  const { nonceKey } = fleet.state.secrets as unknown as { nonceKey: string };
  const next = `next:${randomBytes(32).toString('base64')}`;
  const replica = await startReplica({ NONCE_KEY: `${next},${nonceKey}` });
  try {
    const old = await lineTo();
    const newer = await SipLine.overUdp(replica.sipPort);
    lines.push(newer);
    const ofOld = (await challenge(old)).nonce;
    expect(statusOf(await newer.ask(subscribing(2, [shown(ofOld)])))).toBe(200);
    const ofNewer = (await challenge(newer, 3)).nonce;
    expect(ofNewer).toContain('.next:');
    const asked = await old.ask(subscribing(4, [shown(ofNewer)]));
    expect([statusOf(asked), challengeIn(asked).stale]).toEqual([401, true]);
    // As a phone does by itself.
    expect(statusOf(await old.ask(subscribing(5, [shown(challengeIn(asked).nonce)])))).toBe(200);
    // It was not used up where it was not understood.
    expect(statusOf(await newer.ask(subscribing(6, [shown(ofNewer)])))).toBe(200);
  } finally {
    await replica.stop();
  }
}, 60_000);

test('over TLS a phone signs in, follows a lamp by a sips: URI, and is told over its own connection', async () => {
  const { tlsPort, stop } = await startOverTls();
  try {
    const socket = connectTls({ port: tlsPort, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const line = SipLine.over(socket, 'TLS');
    lines.push(line);
    const secure = target.replace('sip:', 'sips:');
    const { nonce } = challengeIn(await line.ask(subscribing(1, [], secure)));
    const taken = await line.ask(subscribing(2, [shown(nonce, { uri: secure })], secure));
    expect(statusOf(taken)).toBe(200);
    expect(taken).toContain(`Contact: <sips:127.0.0.1:${tlsPort}>`);
    await eventually('the first NOTIFY', () => line.requests.length === 1);
    expect(line.requests[0]).toContain(`Via: SIP/2.0/TLS 127.0.0.1:${tlsPort};`);
    const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
    const call = await alice.center.call(['bob']);
    await ringOf(bob);
    await eventually('the lamp blinking', () => line.requests.at(-1)?.includes('direction="recipient"><state>early</state>'));
    await call.hangUp();
    await eventually('the lamp being dark', () => line.requests.at(-1)?.includes('direction="recipient"><state>terminated</state>'));
  } finally {
    await stop();
  }
}, 60_000);
