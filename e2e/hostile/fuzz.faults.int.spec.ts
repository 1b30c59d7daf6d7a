/*
 * Whatever comes to the doors of a running fleet, for as long as it comes: no process dies, nothing answers 5xx, memory stays flat (it is
 * looked at again and again), and an honest call goes through afterwards. Ten minutes are a million frames and a hundred thousand datagrams.
 */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { services } from '@communication-center/contracts/services';
import { endOf, eventually, Fleet, Phones, type ProcessName, ringOf, type TestApp } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WebSocket } from 'ws';
import { Chance, mutated } from './chance.js';
import { callId, clientFrames, mediaFrames, sipMessages } from './corpus.js';
import { documentForPython } from './document-for-python.js';
import { elsewhere, socketFromElsewhere } from './elsewhere.js';
import { growthOf } from './memory.js';
import { HostileRequests } from './requests.js';

const minutes = Number(process.env.FUZZ_MINUTES ?? 0.15);
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
const forMs = minutes * 60_000;
/** How often it is looked how much each process holds. */
const lookMs = 10_000;
/** What a minute must come to at least, of a run that is long enough to tell. */
const leastAMinute = { frames: 100_000, datagrams: 10_000 };

const fleet = new Fleet();
const phones = new Phones(fleet);
const replicas: ProcessName[] = services.flatMap(({ name }) => fleet.replicasOf(name as never));
const sent = { frames: 0, 'media frames': 0, datagrams: 0, requests: 0 };
const faults: string[] = [];
/** Whose people send frames, and phones datagrams. */
let app: TestApp;
/** Of which requests ask, and one that they may end. */
let asked: TestApp;
let victim: TestApp;
let token: string;
/** Of a user who is revoked and deleted again and again. */
let askedToken: string;
/** People of another app, who come again. */
let honest: TestApp;
const tokens: Record<string, string> = {};
let pids: Map<string, number | undefined>;

beforeAll(async () => {
  console.log(`fuzz: seed ${seed}, ${minutes} min`);
  // Its limits would keep all but some from the parsers.
  const all = { user: { perSecond: 1_000_000, burst: 1_000_000 } };
  const kinds = ['reads', 'writes', 'dials', 'call_acts', 'sockets', 'streams', 'watches', 'media_sockets', 'sip_subscriptions'] as const;
  const limits = Object.fromEntries(kinds.map((kind) => [kind, all]));
  [app, asked, victim] = [
    await fleet.makeApp({ options: { limits } }),
    await fleet.makeApp({ options: { limits } }),
    await fleet.makeApp(),
  ];
  for (const name of ['alice', 'bob']) await fleet.makeUser(asked, name);
  askedToken = await fleet.tokenOf(asked, 'alice');
  for (const name of ['alice', 'bob', 'carol']) await fleet.makeUser(app, name);
  token = await fleet.tokenOf(app, 'alice');
  honest = await fleet.makeApp();
  for (const name of ['alice', 'bob']) tokens[name] = await fleet.tokenOf(honest, name);
  // Who was here before is let in again, whatever else comes from their address.
  for (const name of ['alice', 'bob']) (await phones.connect(honest, name, { token: tokens[name] })).center.close();
  pids = await pidsNow();
});

afterAll(() => phones.closeAll());

async function pidsNow(): Promise<Map<string, number | undefined>> {
  return new Map(await Promise.all(replicas.map(async (name) => [name, (await fleet.statusOf(name))?.pid] as const)));
}

async function memoryNow(): Promise<Map<string, number>> {
  const read = async (name: ProcessName) =>
    [name, ((await fleet.figuresOf(name)).get('process_resident_memory_bytes') ?? 0) / 1e6] as const;
  return new Map(await Promise.all(replicas.map(read)));
}

/** Opens a socket, or gives undefined where the door is busy. */
function open(url: string, protocol: string): Promise<WebSocket | undefined> {
  const socket = socketFromElsewhere(url, protocol);
  return new Promise((resolve) => {
    socket.onopen = () => resolve(socket);
    socket.onerror = () => resolve(undefined);
  });
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Sends frames by the dozen, and waits until they were looked at: a ping is answered after them. */
async function frames(
  until: number,
  chance: Chance,
  door: { url: string; protocol: string; corpus: string[]; what: keyof typeof sent; first?: string },
) {
  while (Date.now() < until) {
    const socket = await open(door.url, door.protocol);
    if (!socket) {
      await pause(50);
      continue;
    }
    let heard = () => {};
    socket.onmessage = ({ data }) => {
      const text = String(data);
      if (text.includes('"internal_error"')) faults.push(`${door.what}: ${text.slice(0, 300)}`);
      if (text === '{"type":"pong"}') heard();
    };
    const closed = new Promise<void>((resolve) => (socket.onclose = () => resolve()));
    if (door.first && !chance.onceIn(10)) socket.send(door.first);
    for (let dozens = 0; dozens < 40 && socket.readyState === socket.OPEN && Date.now() < until; dozens += 1) {
      for (let n = 0; n < 24; n += 1) {
        const bytes = mutated(chance.of(door.corpus), chance).subarray(0, 60_000);
        // A text frame is UTF-8: what is none goes as a binary one.
        const text = bytes.toString('utf8');
        if (chance.onceIn(40)) socket.send(new Uint8Array(bytes));
        else socket.send(text);
        sent[door.what] += 1;
      }
      const answered = new Promise<void>((resolve) => (heard = resolve));
      socket.send('{"type":"ping"}');
      await Promise.race([answered, closed, pause(5000)]);
    }
    socket.close();
  }
}

async function datagrams(until: number, chance: Chance): Promise<void> {
  const port = fleet.state.ports.sip ?? 0;
  const corpus = sipMessages(app.appId);
  const phone = createSocket('udp4');
  phone.on('message', (data) => {
    // A method that is none here is answered 501 (RFC 3261 §8.2.1).
    if (/^SIP\/2\.0 5(?!01)/.test(String(data))) faults.push(`datagrams: ${String(data).split('\r\n')[0]}`);
  });
  while (Date.now() < until) {
    for (let n = 0; n < 20; n += 1) {
      phone.send(
        mutated(chance.of(corpus).replace('abc', `abc${sent.datagrams}`), chance).subarray(0, 60_000),
        port,
        '127.0.0.1',
        () => undefined,
      );
      sent.datagrams += 1;
    }
    if (chance.onceIn(20)) {
      const overTcp = connect(port, '127.0.0.1').on('error', () => undefined);
      overTcp.end(mutated(chance.of(corpus), chance));
      overTcp.resume();
    }
    await pause(20);
  }
  phone.close();
}

function ask({ method, target, body }: ReturnType<HostileRequests['next']>, key: string | undefined): Promise<number> {
  const { hostname, port } = new URL(fleet.url);
  return new Promise((resolve) => {
    const headers = {
      ...(key && { authorization: `Bearer ${key}` }),
      ...(body && { 'content-type': 'application/json', 'content-length': body.length }),
    };
    try {
      const asked = request({ hostname, port, method, path: target, headers, localAddress: elsewhere, timeout: 20_000 }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      });
      asked.on('error', () => resolve(0));
      asked.end(body);
    } catch {
      // The client itself refuses to say it.
      resolve(0);
    }
  });
}

async function requests(until: number, chance: Chance): Promise<void> {
  const hostile = new HostileRequests(chance, asked.appId, victim.appId);
  while (Date.now() < until) {
    const next = hostile.next();
    const status = await ask(next, chance.of([asked.key, asked.key, asked.key, askedToken, fleet.state.secrets.operatorKey, undefined]));
    sent.requests += 1;
    if (status >= 500) faults.push(`${status} ${next.method} ${next.target.slice(0, 300)} ${String(next.body).slice(0, 300)}`);
  }
}

/** Where it is installed (`npm run fuzz` sees to it), schemathesis makes requests of its own of the same document. */
async function schemathesis(): Promise<void> {
  const program = process.env.SCHEMATHESIS;
  if (!program) return;
  const whole = JSON.parse(readFileSync(new URL('../../docs/protocol/openapi.json', import.meta.url), 'utf8'));
  const document = join(dirname(program), 'openapi.json');
  const examples = {
    userAlias: 'alice',
    endpointId: callId,
    callId,
    keyId: callId,
    kid: callId,
    username: 'desk',
    service: 'presence',
    name: 'who-is-where',
  };
  writeFileSync(document, JSON.stringify(documentForPython(whole, { appId: asked.appId, examples })));
  const args = ['run', document, '--url', fleet.url, '--header', `Authorization: Bearer ${asked.key}`, '--checks', 'not_a_server_error'];
  // One after the other; the last two go on until the time is over.
  const phases = ['--phases', 'examples,coverage,fuzzing,stateful', '--continue-on-failure', '--workers', '2'];
  const bounds = [
    // Some wait for what is not there yet, for half a minute at most.
    '--request-timeout',
    '40',
    '--max-time',
    String(Math.ceil(forMs / 1000)),
    '--exclude-path-regex',
    'stream|rebuild|redrive|suspend|api-keys/|secrets/',
    '--seed',
    String(seed),
    '--no-color',
  ];
  // What it remembers of a run stays beside it.
  const options = { cwd: dirname(program), timeout: forMs + 120_000, maxBuffer: 1e8 };
  const told = await promisify(execFile)(program, [...args, ...phases, ...bounds], options).catch(
    (error: { stdout?: string; message: string }) => error,
  );
  // It also exits with 1 for parts of the document that Python's expressions cannot say: those are not the fleet's.
  const said = told.stdout ?? ('message' in told ? told.message : '');
  const summary = /=+ SUMMARY =+[\s\S]*/.exec(said)?.[0] ?? said.slice(-300);
  const unanswered = /=+ ERRORS =+[\s\S]*?(?==+ SUMMARY|=+ WARNINGS|$)/.exec(said)?.[0] ?? '';
  console.log(`schemathesis: ${unanswered.slice(0, 3000)}${summary}`);
  if (/server error/i.test(said)) faults.push(`schemathesis: ${said.slice(0, 6000)}`);
}

test('nothing that arrives breaks a process', { timeout: forMs + 240_000 }, async () => {
  const until = Date.now() + forMs;
  const client = {
    url: fleet.url.replace(/^http/, 'ws').concat('/v1/socket'),
    protocol: 'communication-center.v1',
    corpus: clientFrames,
    what: 'frames' as const,
  };
  const connectFrame = (n: number) =>
    JSON.stringify({ type: 'connect', id: 0, appId: app.appId, userAlias: 'alice', deviceId: `fuzz-${n}`, token });
  const mediaUrl = `ws://127.0.0.1:${fleet.state.ports.media}`;
  const working = [
    ...Array.from({ length: 6 }, (_, n) => frames(until, new Chance(seed + n), { ...client, first: connectFrame(n) })),
    frames(until, new Chance(seed + 50), {
      url: mediaUrl,
      protocol: 'communication-center-media.v1',
      corpus: mediaFrames,
      what: 'media frames',
    }),
    datagrams(until, new Chance(seed + 60)),
    ...Array.from({ length: 4 }, (_, n) => requests(until, new Chance(seed + 70 + n))),
    schemathesis(),
  ];
  const held = new Map(replicas.map((name) => [name, [] as number[]]));
  const look = async () => {
    for (const [name, megabytes] of await memoryNow()) held.get(name)?.push(megabytes);
  };
  const isOver = Promise.all(working).then(() => true);
  await pause(Math.min(lookMs, forMs / 3));
  await look();
  while (!(await Promise.race([isOver, pause(lookMs).then(() => false)]))) await look();
  await look();
  const grown = [...held].flatMap(([name, memory]) => {
    const [was = 0, is = 0] = [memory[Math.floor(memory.length / 3)], memory.at(-1)];
    const growth = growthOf(memory) ?? (is > was * 1.4 + 60 ? 'it grew' : undefined);
    return growth ? [`${name}: ${growth} (${memory.map((one) => one.toFixed(0)).join(' ')})`] : [];
  });
  for (const [name, memory] of held)
    console.log(
      `memory of ${name}: ${memory[0]?.toFixed(0)} MB first, ${memory.at(-1)?.toFixed(0)} last, ${Math.max(...memory).toFixed(0)} at most`,
    );
  console.log(
    `fuzz: ${Object.entries(sent)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ')}`,
  );
  expect([...new Set(faults)].slice(0, 40)).toEqual([]);
  expect(await pidsNow()).toEqual(pids);
  expect(grown).toEqual([]);
  if (minutes < 5) return;
  expect(sent.frames + sent['media frames']).toBeGreaterThan(leastAMinute.frames * minutes);
  expect(sent.datagrams).toBeGreaterThan(leastAMinute.datagrams * minutes);
});

test('those who attacked were let in to the end', async () => {
  const statuses = await Promise.all([app, asked].map(({ key }) => fleet.rest('GET', '/v1/calls', key)));
  expect(statuses.map(({ status }) => status)).toEqual([200, 200]);
});

test('an honest call goes through afterwards', async () => {
  const comeAgain = (name: string) => phones.connect(honest, name, { token: tokens[name] });
  const [alice, bob] = [await comeAgain('alice'), await comeAgain('bob')];
  const call = await alice.center.call(['bob']);
  const ring = await ringOf(bob);
  await ring.answer();
  await eventually('the caller being connected', () => call.phase === 'connected');
  await call.hangUp();
  expect(await endOf(ring)).toBe('hung_up');
});
