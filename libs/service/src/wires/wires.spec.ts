/*
 * What is asked over a wire is answered as over HTTP, line by line; whoever has no wire asks over HTTP and waits for nothing; and whatever
 * becomes of a wire, each question ends: answered, refused, or undecided.
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { internal, wireLimits } from '@communication-center/contracts/internal';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Identity } from '../identity.js';
import { ProblemError } from '../problem-error.js';
import { Replicas } from '../replicas.js';
import { ServiceClient } from '../service-client.js';
import { currentTraceId, withTrace } from '../trace.js';
import { WireDoor, type WireDoorOptions } from './wire-door.js';

type Serve = WireDoorOptions<typeof internal.carryOut>['serve'];
type Line = Parameters<Parameters<Serve>[1]>[0];

const keys = generateKeyPairSync('ed25519');
const jwk = (key: typeof keys.publicKey, kid: string) => ({ ...key.export({ format: 'jwk' }), kid });
const identityOf = (service: string) =>
  new Identity(service, jwk(keys.privateKey, service), {
    keys: ['gateway', 'webhooks', 'calls'].map((kid) => jwk(keys.publicKey, kid)),
  });
const logger = { warn: () => undefined, error: () => undefined };
const refused = (detail: string) => new ProblemError('call_not_found', detail).toProblem();
const line = (index: number, detail = 'x'): Line => ({ index, problem: refused(detail) });
const hangUp = (id = 1) => ({
  subject: { kind: 'user', appId: 'demo', userAlias: 'alice' },
  frame: { type: 'hang_up', id, commandId: `command-${id}`, callId: '01890000-0000-7000-8000-000000000001' },
});
const asking = (count = 1) => ({ body: { commands: Array.from({ length: count }, (_, at) => hangUp(at + 1)) } }) as never;

/** A replica of calls: what is asked over HTTP it counts, and answers with a line that says so. */
class Replica {
  readonly server: Server;
  readonly door: WireDoor<typeof internal.carryOut>;
  overHttp = 0;
  readonly #upgraded: Duplex[] = [];
  serve: Serve = async (_inquiry, tell) => tell(line(0, 'over a wire'));

  constructor(hasWires = true) {
    this.server = createServer((request, response) => {
      request.resume();
      if (request.method === 'GET') return response.writeHead(404).end();
      this.overHttp += 1;
      response.end(`${JSON.stringify(line(0, 'over HTTP'))}\n`);
    });
    this.door = new WireDoor({
      endpoint: internal.carryOut,
      identity: identityOf('calls'),
      logger,
      around: (work) => work(),
      serve: (...asked) => this.serve(...asked),
    });
    if (!hasWires) return;
    this.door.open(this.server);
    this.server.on('upgrade', (_request, socket) => this.#upgraded.push(socket));
  }

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  cutWires(): void {
    for (const socket of this.#upgraded.splice(0)) socket.destroy();
  }

  stop(): void {
    this.cutWires();
    this.server.closeAllConnections();
    this.server.close();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
}

const started: Replica[] = [];
const start = async (hasWires = true) => {
  const replica = await new Replica(hasWires).start();
  started.push(replica);
  return replica;
};
let replica: Replica;
let client: ServiceClient;

const clientOf = (...urls: string[]) => new ServiceClient(identityOf('gateway'), 'calls', new Replicas(urls), [internal.carryOut]);

/** @returns what the lines of an answer say. */
async function ask(from = client, timeoutMs = 2000, what = asking()): Promise<string[]> {
  const told: string[] = [];
  await from.askForLines(internal.carryOut, what, (one) => told.push('problem' in one ? (one.problem.detail ?? '') : 'other'), {
    timeoutMs,
  });
  return told;
}

/** Asks until there is a wire. */
const wired = (from = client) => vi.waitFor(async () => expect(await ask(from)).toEqual(['over a wire']), { timeout: 5000, interval: 20 });

beforeEach(async () => {
  replica = await start();
  client = clientOf(replica.url);
});
afterEach(() => {
  for (const one of started.splice(0)) one.stop();
});

test('the first question goes over HTTP while a wire is opened, and those after it over the wire', async () => {
  expect(await ask()).toEqual(['over HTTP']);
  await wired();
  const before = replica.overHttp;
  for (let times = 0; times < 5; times += 1) expect(await ask()).toEqual(['over a wire']);
  expect(replica.overHttp).toBe(before);
});

test('each line is heard when it is told, of several questions at a time, and in the trace of its question', async () => {
  await wired();
  const { promise, resolve } = Promise.withResolvers<void>();
  replica.serve = async ({ body }, tell) => {
    tell(line(0, currentTraceId()), true);
    if (body.commands.length > 1) await promise;
    tell(line(1, 'late'));
  };
  const trace = 'a'.repeat(32);
  const told: string[] = [];
  const slow = withTrace(`00-${trace}-${'b'.repeat(16)}-01`, () =>
    client.askForLines(internal.carryOut, asking(2), (one) => told.push('problem' in one ? (one.problem.detail ?? '') : '')),
  );
  await vi.waitFor(() => expect(told).toEqual([trace]));
  expect(await ask()).toHaveLength(2);
  resolve();
  await slow;
  expect(told).toEqual([trace, 'late']);
});

test('a release without wires is asked over HTTP, and for a wire again only after a while', async () => {
  const old = await start(false);
  let upgrades = 0;
  old.server.on('request', ({ method }) => (upgrades += method === 'GET' ? 1 : 0));
  const asks = clientOf(old.url);
  for (let times = 0; times < 20; times += 1) {
    expect(await ask(asks)).toEqual(['over HTTP']);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(upgrades).toBe(1);
});

test('only a service that may ask the endpoint gets a wire, and only to the endpoint', async () => {
  const statusOf = async (path: string, authorization?: string) => {
    const socket = new WebSocket(`${replica.url.replace('http', 'ws')}${path}`, { headers: authorization ? { authorization } : {} });
    const [error] = (await once(socket, 'error')) as [Error];
    return error.message;
  };
  const bearer = async (service: string) => `Bearer ${await identityOf(service).sign('calls')}`;
  expect(await statusOf(internal.carryOut.path)).toContain('401');
  expect(await statusOf(internal.carryOut.path, await bearer('webhooks'))).toContain('403');
  expect(await statusOf('/v1/calls', await bearer('gateway'))).toContain('404');
});

test('a question that the contract does not know is refused by its field, and nothing of it is carried out', async () => {
  await wired();
  let served = 0;
  replica.serve = async () => (served += 1);
  const wrong = { body: { commands: [{ ...hangUp(), frame: { type: 'of the next release' } }] } } as never;
  await expect(ask(client, 2000, wrong)).rejects.toMatchObject({ code: 'invalid_request', isUndecided: false });
  expect(served).toBe(0);
});

test('a wire that breaks leaves what was asked over it undecided; what is asked next goes over HTTP, and later over another', async () => {
  await wired();
  replica.serve = async (_inquiry, tell) => {
    tell(line(0, 'the first of two'), true);
    await new Promise(() => undefined);
  };
  const told: string[] = [];
  const asked = client.askForLines(internal.carryOut, asking(2), () => told.push('one'));
  await vi.waitFor(() => expect(told).toHaveLength(1));
  replica.cutWires();
  await expect(asked).rejects.toMatchObject({ code: 'service_unavailable', isUndecided: true });
  expect(await ask()).toEqual(['over HTTP']);
  replica.serve = async (_inquiry, tell) => tell(line(0, 'over a wire'));
  await wired();
});

test('who is silent for too long is given up, and is not asked over that wire again', async () => {
  await wired();
  replica.serve = () => new Promise(() => undefined);
  await expect(ask(client, 200)).rejects.toMatchObject({ code: 'service_unavailable', isUndecided: true });
  expect(await ask()).toEqual(['over HTTP']);
});

test('a replica that is stopping answers what is under way, and is asked nothing more over its wires', async () => {
  await wired();
  const { promise, resolve } = Promise.withResolvers<void>();
  replica.serve = async (_inquiry, tell) => {
    await promise;
    tell(line(0, 'answered at the end'));
  };
  const asked = ask();
  await new Promise((done) => setTimeout(done, 50));
  const closed = replica.door.close();
  await new Promise((done) => setTimeout(done, 50));
  expect(await ask()).toEqual(['over HTTP']);
  resolve();
  expect(await asked).toEqual(['answered at the end']);
  await closed;
});

test('of two replicas each has a wire, and they are asked in turn', async () => {
  const other = await start();
  const both = clientOf(replica.url, other.url);
  for (const one of [replica, other]) one.serve = async (_inquiry, tell) => tell(line(0, one.url));
  const told = new Set<string>();
  await vi.waitFor(async () => {
    const [from = ''] = await ask(both);
    told.add(from);
    expect([...told].filter((name) => name !== 'over HTTP').sort()).toEqual([replica.url, other.url].sort());
  });
});

test('what is too long for a wire goes over HTTP, and long lines come whole', async () => {
  await wired();
  const before = replica.overHttp;
  const long = { body: { commands: [{ ...hangUp(), traceparent: 'x'.repeat(wireLimits.questionBytes) }] } } as never;
  expect(await ask(client, 2000, long)).toEqual(['over HTTP']);
  expect(replica.overHttp).toBe(before + 1);
  const letters = 'ü'.repeat(300_000);
  replica.serve = async (_inquiry, tell) => {
    for (let index = 0; index < 20; index += 1) tell(line(index, letters));
  };
  expect((await ask()).map(({ length }) => length)).toEqual(Array.from({ length: 20 }, () => letters.length));
});

test('whatever bytes come, the door lives on, and what is no question ends its wire alone', async () => {
  await wired();
  const headers = { authorization: `Bearer ${await identityOf('gateway').sign('calls')}` };
  const question = fc.record({ ask: fc.jsonValue(), traceparent: fc.jsonValue(), body: fc.jsonValue() }, { requiredKeys: [] });
  const sent = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    question.map((value) => JSON.stringify(value)),
  );
  await fc.assert(
    fc.asyncProperty(sent, async (bytes) => {
      const socket = new WebSocket(`${replica.url.replace('http', 'ws')}${internal.carryOut.path}`, { headers });
      await once(socket, 'open');
      const ended = new Promise<unknown>((resolve) => {
        socket.once('close', resolve);
        socket.once('message', resolve);
      });
      socket.send(bytes);
      await ended;
      socket.terminate();
    }),
    { numRuns: 60 },
  );
  expect(await ask()).toEqual(['over a wire']);
});
