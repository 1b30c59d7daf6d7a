/*
 * What a socket asked for is tried again while its service is away: but no call is made for somebody who has gone, or who has
 * taken the dial back. What the service refuses is told at once, as it said it.
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServerFrame } from '@communication-center/contracts';
import { Identity, Replicas, ServiceClient } from '@communication-center/service';
import { eventually, holds } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Services } from '../services.js';
import { CarryOut } from './carry-out.js';
import { CommandsTogether } from './commands-together.js';
import type { DeviceSocket } from './device-socket.js';
import type { Device, DialedEvent } from './socket-owner.js';
import type { SocketRouter } from './socket-router.js';

const callId = '01890000-0000-7000-8000-000000000000';
const commandId = 'the-dial-0001';
const now = new Date().toISOString();
const call = {
  status: 'ringing',
  callId,
  sequence: 1,
  callType: 'audio_video',
  initiator: 'alice',
  participants: [],
  manyToMany: false,
  dialedAt: now,
  maxParticipants: 2,
  maxDurationSeconds: 60,
  ringSeconds: 60,
};

let server: Server;
let client: ServiceClient;
let asked: string[];
let answer: (response: ServerResponse, act: string, index: number) => void;
let gone: AbortController;
let socket: DeviceSocket;
let carryOut: CarryOut;
const reported: unknown[] = [];
const device = { appId: 'app', userAlias: 'alice', deviceId: 'desk' } as Device;

const away = (response: ServerResponse) => response.writeHead(503).end();
const agree = (response: ServerResponse, _act = '', index = 0) =>
  response.write(`${JSON.stringify({ index, reply: { callId, sequence: 1, call } })}\n`);
const refuse = (problem: object) => (response: ServerResponse) =>
  response.write(`${JSON.stringify({ index: 0, problem: { type: '', title: '', status: 503, ...problem } })}\n`);
const actOf = (frame: { type: string; callId?: string }) => (frame.callId ? `${frame.type} ${frame.callId}` : frame.type);

beforeEach(async () => {
  [asked, answer] = [[], away];
  server = createServer(async (request: IncomingMessage, response) => {
    let text = '';
    for await (const piece of request.setEncoding('utf8')) text += piece;
    const acts: string[] = JSON.parse(text).commands.map(({ frame }: { frame: Parameters<typeof actOf>[0] }) => actOf(frame));
    asked.push(...acts);
    for (const [index, act] of acts.entries()) if (!response.writableEnded) answer(response, act, index);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const jwk = (key: typeof publicKey) => ({ ...key.export({ format: 'jwk' }), kid: 'gateway' });
  const identity = new Identity('gateway', jwk(privateKey), { keys: [jwk(publicKey)] });
  client = new ServiceClient(identity, 'calls', new Replicas([`http://127.0.0.1:${(server.address() as AddressInfo).port}`]));
  gone = new AbortController();
  socket = { gone: gone.signal } as DeviceSocket;
  const services = { calls: client } as unknown as Services;
  const router = { hear: () => undefined } as unknown as SocketRouter;
  carryOut = new CarryOut(services, new CommandsTogether(services, router), (error) => reported.push(error));
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  expect(reported.splice(0)).toEqual([]);
});

const carry = (frame: object) => carryOut.carryOut(socket, device, frame as never);
const dial = () => carry({ type: 'dial', id: 1, commandId, callees: ['bob'] });
const cancel = () => carry({ type: 'cancel_dial', id: 2, commandId });
const codeOf = (frame: ServerFrame) => (frame.type === 'error' ? frame.error.code : frame.type);
const dialed = { callid: callId, data: { initiator: 'alice', initiatorDevice: 'desk', callees: ['bob'] } } as unknown as DialedEvent;
const hangUp = `hang_up ${callId}`;

/** Waits for an answer that must not take until the end of all tries. */
async function soon(answered: Promise<ServerFrame>): Promise<string> {
  const tooLate = new Promise<string>((resolve) => setTimeout(resolve, 2000, 'nothing, for two seconds').unref());
  return Promise.race([answered.then(codeOf), tooLate]);
}

/** Longer than the first three pauses between tries. */
const nothingMore = async () => {
  const before = asked.length;
  await holds('nothing being asked any more', () => asked.length === before, 700);
};

test('a dial is tried again while its service is away', async () => {
  const dialing = dial();
  await eventually('a second try', () => asked.length > 1);
  answer = agree;
  expect(codeOf(await dialing)).toBe('reply');
});

test('a dial that is refused because nobody would ring is asked once, and says why', async () => {
  answer = refuse({ code: 'service_unavailable', detail: 'nobody would ring' });
  const refused = await dial();
  expect(refused).toMatchObject({ type: 'error', error: { code: 'service_unavailable', message: 'nobody would ring' } });
  expect(asked).toEqual(['dial']);
});

test('a dial that could not be decided is tried again', async () => {
  answer = refuse({ code: 'service_unavailable', undecided: true });
  const dialing = dial();
  await eventually('a second try', () => asked.length > 1);
  answer = agree;
  expect(codeOf(await dialing)).toBe('reply');
});

test('a dial whose socket has closed is not tried again', async () => {
  const dialing = dial();
  await eventually('a try', () => asked.length > 0);
  gone.abort();
  expect(await soon(dialing)).toBe('service_unavailable');
  await nothingMore();
  expect(await soon(dial())).toBe('service_unavailable');
  await nothingMore();
});

test('a dial that was taken back is not tried again, and says so', async () => {
  const dialing = dial();
  await eventually('a try', () => asked.length > 0);
  expect([await soon(cancel()), await soon(dialing)]).toEqual(['done', 'dial_cancelled']);
  await nothingMore();
});

test('a dial that is taken back before its turn is never sent', async () => {
  await cancel();
  expect(codeOf(await dial())).toBe('dial_cancelled');
  expect(asked).toEqual([]);
});

test('a dial that is taken back while it makes its call is hung up', async () => {
  let respond: () => void = () => undefined;
  answer = (response, act, index) => {
    if (act === 'dial') respond = () => agree(response);
    else agree(response, act, index);
  };
  const dialing = dial();
  await eventually('the try', () => asked.length > 0);
  await cancel();
  respond();
  expect(codeOf(await dialing)).toBe('reply');
  await eventually('the call being hung up', () => asked.includes(hangUp));
});

test.each(['before', 'after'])('a dial whose answer was lost is hung up when its call shows itself %s it is taken back', async (when) => {
  answer = (response, act, index) => (act === 'dial' ? response.destroy() : agree(response, act, index));
  const dialing = dial();
  await eventually('a try', () => asked.length > 0);
  if (when === 'before') carryOut.heardOfDial(socket, device, dialed);
  await cancel();
  expect(await soon(dialing)).toBe('dial_cancelled');
  if (when === 'after') carryOut.heardOfDial(socket, device, dialed);
  await eventually('the call being hung up', () => asked.includes(hangUp));
});

test('a call of another device, or to others, is not hung up for it', async () => {
  const dialing = dial();
  await eventually('a try', () => asked.length > 0);
  await cancel();
  await dialing;
  const before = asked.length;
  carryOut.heardOfDial(socket, device, { ...dialed, data: { ...dialed.data, initiatorDevice: 'phone' } } as unknown as DialedEvent);
  carryOut.heardOfDial(socket, device, { ...dialed, data: { ...dialed.data, callees: ['carol'] } } as unknown as DialedEvent);
  await holds('nothing being hung up', () => asked.length === before, 200);
});

test('who has gone does not answer any more, but still hangs up', async () => {
  const answering = carry({ type: 'answer', id: 3, commandId: 'answer-001', callId });
  const leaving = carry({ type: 'hang_up', id: 4, commandId: 'hang-up-001', callId });
  await eventually('both tries', () => asked.length > 1);
  gone.abort();
  expect(await soon(answering)).toBe('service_unavailable');
  answer = agree;
  expect(codeOf(await leaving)).toBe('reply');
});
