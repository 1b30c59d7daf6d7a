/*
 * What several devices do at one moment goes to the calls service in one request, and each hears of its own at once; whatever becomes
 * of that request, no command is lost, and none fails for another's fault.
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AnyEvent, AppId, CallFrame, Subject, UserAlias } from '@communication-center/contracts';
import { Identity, ProblemError, Replicas, ServiceClient, withTrace } from '@communication-center/service';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Services } from '../services.js';
import { CommandsTogether } from './commands-together.js';
import type { SocketRouter } from './socket-router.js';

const now = new Date().toISOString();
const idOf = (number: number) => `01890000-0000-7000-8000-00000000000${number}`;
const replyOf = (callId: string) => ({
  callId,
  sequence: 1,
  call: {
    status: 'ringing',
    callId,
    sequence: 1,
    callType: 'audio_only',
    initiator: 'alice',
    participants: [],
    manyToMany: false,
    dialedAt: now,
    maxParticipants: 2,
    maxDurationSeconds: 60,
    ringSeconds: 60,
  },
});
const problem = (code: string, more: object = {}) => ({ type: '', title: '', status: 409, code, ...more });

interface Told {
  commands: { subject: Subject; traceparent?: string; frame: CallFrame & { callId: string } }[];
}

function identityOf(): Identity {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const jwk = (key: typeof publicKey) => ({ ...key.export({ format: 'jwk' }), kid: 'gateway' });
  return new Identity('gateway', jwk(privateKey), { keys: [jwk(publicKey)] });
}

function commandsTo(...replicas: Server[]): CommandsTogether {
  const calls = new ServiceClient(identityOf(), 'calls', new Replicas(replicas.map(urlOf)));
  const router = { hear: (events: AnyEvent[]) => heard.push(...events) };
  return new CommandsTogether({ calls } as unknown as Services, router as unknown as SocketRouter);
}

const urlOf = (one: Server) => `http://127.0.0.1:${(one.address() as AddressInfo).port}`;

let server: Server;
let asked: { path: string; body: Told }[];
let answer: (response: ServerResponse, path: string, body: Told) => void;
let commands: CommandsTogether;
let heard: AnyEvent[];

beforeEach(async () => {
  asked = [];
  heard = [];
  server = createServer(async (request: IncomingMessage, response) => {
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += piece;
    asked.push({ path: request.url ?? '', body: JSON.parse(text) });
    answer(response, request.url ?? '', JSON.parse(text));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  commands = commandsTo(server);
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const subject: Subject = { kind: 'user', appId: 'demo' as AppId, userAlias: 'alice' as UserAlias };
const hangUp = (number: number, retryForMs = 0) =>
  commands.carryOut(
    { subject, frame: { type: 'hang_up', id: number, callId: idOf(number), commandId: `command-${number}` } as CallFrame },
    { retryForMs },
  );
const line = (response: ServerResponse, content: object) => response.write(`${JSON.stringify(content)}\n`);
const alone = (response: ServerResponse, path: string) => response.end(JSON.stringify(replyOf(path.split('/')[3] ?? '')));
const all = (response: ServerResponse, { commands: told }: Told) => {
  for (const [index, { frame }] of told.entries()) line(response, { index, reply: replyOf(frame.callId) });
  response.end();
};
const together = '/internal/carry-out';
const paths = () => asked.map(({ path }) => path);

test('what is asked in one turn goes in one request, each in its own name and trace, and each is answered when it is decided', async () => {
  let decideSecond = () => {};
  answer = (response, _path, body) => {
    line(response, { index: 0, reply: replyOf(body.commands[0]?.frame.callId ?? '') });
    decideSecond = () => response.end(`${JSON.stringify({ index: 1, reply: replyOf(body.commands[1]?.frame.callId ?? '') })}\n`);
  };
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const first = withTrace(trace, () => hangUp(1));
  const second = hangUp(2);
  expect((await first).callId).toBe(idOf(1));
  decideSecond();
  expect((await second).callId).toBe(idOf(2));
  expect(paths()).toEqual([together]);
  expect(asked[0]?.body.commands.map((one) => [one.subject, one.traceparent, one.frame.callId])).toEqual([
    [subject, trace, idOf(1)],
    [subject, undefined, idOf(2)],
  ]);
});

test('what comes turn after turn without a pause goes in few requests, and nothing of it is lost', async () => {
  answer = (response, _path, body) => all(response, body);
  const began = performance.now();
  const replies: Promise<{ callId: string }>[] = [];
  for (let turn = 0; turn < 60; turn += 1) {
    replies.push(hangUp(turn % 10));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect((await Promise.all(replies)).map(({ callId }) => callId)).toEqual(Array.from({ length: 60 }, (_, turn) => idOf(turn % 10)));
  // Ten at once, then one in ten milliseconds.
  expect(asked.length).toBeLessThanOrEqual(11 + (performance.now() - began) / 10);
  expect(asked.length).toBeLessThan(60);
});

test('what commands bring about is heard before they are replied to, and with all that it says', async () => {
  const event = {
    specversion: '1.0',
    id: 'e1',
    source: '/calls',
    type: 'call.ended',
    time: now,
    subject: idOf(1),
    callid: idOf(1),
    appid: 'demo',
    sequence: 4,
    dataversion: 1,
    data: { audience: ['alice'] },
  };
  let reply = () => {};
  answer = (response, _path, body) => {
    line(response, { events: [event] });
    reply = () => all(response, body);
  };
  const done = hangUp(1);
  await vi.waitFor(() => expect(heard).toEqual([event]));
  reply();
  expect((await done).callId).toBe(idOf(1));
  expect(asked).toMatchObject([{ path: together, body: { hears: true } }]);
});

test('more than go together at most go in several requests', async () => {
  answer = (response, _path, body) => all(response, body);
  await Promise.all(Array.from({ length: 70 }, (_, index) => hangUp(index % 10)));
  expect(asked.map(({ body }) => body.commands.length)).toEqual([32, 32, 6]);
});

test('a refusal is of the one that was refused, with all that was said of it', async () => {
  answer = (response) => {
    line(response, { index: 1, reply: replyOf(idOf(2)) });
    line(response, { index: 0, problem: problem('already_ended', { detail: 'it is over', callId: idOf(1) }) });
    response.end();
  };
  const [first, second] = await Promise.allSettled([hangUp(1), hangUp(2)]);
  const refused = (first as PromiseRejectedResult).reason as ProblemError;
  expect(refused.toSocketError()).toEqual({ code: 'already_ended', message: 'it is over', callId: idOf(1) });
  expect(second.status).toBe('fulfilled');
});

test('what could not be decided, or was broken off, is tried again; what was answered is not', async () => {
  answer = (response, path, body) => {
    if (asked.length > 1) return path === together ? all(response, body) : alone(response, path);
    line(response, { index: 0, reply: replyOf(idOf(1)) });
    line(response, { index: 1, problem: problem('service_unavailable', { undecided: true }) });
    return setTimeout(() => response.destroy(), 20);
  };
  const done = await Promise.all([hangUp(1, 2000), hangUp(2, 2000), hangUp(3, 2000)]);
  expect(done.map(({ callId }) => callId)).toEqual([idOf(1), idOf(2), idOf(3)]);
  const again = asked.slice(1).flatMap(({ path, body }) => body.commands?.map(({ frame }) => frame.callId) ?? path);
  expect(again.some((one) => one.includes(idOf(1)))).toBe(false);
});

test('what is left out of the answer is not taken for done', async () => {
  answer = (response) => {
    line(response, { index: 0, reply: replyOf(idOf(1)) });
    response.end();
  };
  const [first, second] = await Promise.allSettled([hangUp(1), hangUp(2)]);
  expect([first.status, second.status]).toEqual(['fulfilled', 'rejected']);
  expect((second as PromiseRejectedResult).reason).toMatchObject({ code: 'service_unavailable' });
});

test('where the whole is refused, as by the release before, each is asked alone', async () => {
  answer = (response, path) =>
    path === together ? response.writeHead(404).end(JSON.stringify(problem('not_found'))) : alone(response, path);
  expect(await Promise.all([hangUp(1), hangUp(2)])).toHaveLength(2);
  expect(paths().sort()).toEqual([together, `/v1/calls/${idOf(1)}/hang-up`, `/v1/calls/${idOf(2)}/hang-up`]);
});

test('where a replica hangs each of 32 commands is held up for the time of one answer', { timeout: 20_000 }, async () => {
  const taken: string[] = [];
  const hanging = createServer((request) => request.resume()).listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  hanging.on('request', (request) => taken.push(request.url ?? ''));
  commands = commandsTo(hanging, server);
  answer = (response, path, body) => (path === together ? all(response, body) : alone(response, path));
  const began = performance.now();
  const done = await Promise.all(Array.from({ length: 32 }, (_, index) => hangUp(index % 10, 10_000)));
  expect(performance.now() - began).toBeLessThan(7000);
  expect([done.length, taken]).toEqual([32, [together]]);
  expect(asked.flatMap(({ body }) => body.commands?.map(({ frame }) => frame) ?? [body])).toHaveLength(32);
  hanging.closeAllConnections();
  hanging.close();
});

test('who is refused by the infrastructure hears so after all tries', async () => {
  answer = (response) => response.writeHead(503).end();
  const [first] = await Promise.allSettled([hangUp(1, 200), hangUp(2, 200)]);
  expect((first as PromiseRejectedResult).reason).toBeInstanceOf(ProblemError);
  expect((first as PromiseRejectedResult).reason.isUndecided).toBe(true);
});
