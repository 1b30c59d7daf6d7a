/*
 * One trace goes through all services that take part in an act: its id is in the problem that somebody is told and in every log
 * line, of requests, frames, events that are consumed and what falls due; one command finds them.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CenterError } from '@communication-center/client';
import type { EndpointView, Problem } from '@communication-center/contracts';
import { endOf, eventually, Fleet, Phones, RawSocket, ringOf, type TestApp, WebhookReceiver } from '@communication-center/testing';
import { afterEach, beforeAll, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
const tool = fileURLToPath(new URL('../tools/logs.mjs', import.meta.url));
const folder = join(dirname(process.env.CENTER_INSTANCE_FILE as string), 'logs');
const unknownCall = '01890000-0000-7000-8000-000000000000';
let app: TestApp;

interface Line {
  name: string;
  msg: string;
  traceId?: string;
  traceIds?: string[];
  appId?: string;
  callId?: string;
  problem?: string;
  [more: string]: unknown;
}

beforeAll(async () => {
  app = await fleet.makeApp();
  for (const name of ['alice', 'bob']) await fleet.makeUser(app, name);
  // Of an app that keeps none webhooks pass events over, and say nothing of them.
  expect((await fleet.rest('PUT', '/v1/events/consumers/traced', app.key, {})).status).toBe(200);
});
afterEach(() => phones.closeAll());

function logs(...args: string[]): Line[] {
  const { stdout } = spawnSync(process.execPath, [tool, '--folder', folder, '--json', ...args], { encoding: 'utf8' });
  return stdout.split('\n').flatMap((text) => (text ? [JSON.parse(text) as Line] : []));
}

const servicesIn = (lines: readonly Line[]) => [...new Set(lines.map(({ name }) => name))].sort();

/** Waits for lines of a trace by all of these services. */
const told = (traceId: string, services: string[]) =>
  eventually(`lines of trace ${traceId} by ${services}`, async () => {
    const lines = logs('--trace', traceId);
    return services.every((service) => servicesIn(lines).includes(service)) ? lines : undefined;
  });

test('a request that is refused tells the trace it named, and the log of two services tells why', async () => {
  const traceId = randomBytes(16).toString('hex');
  const path = `/v1/calls/${unknownCall}/hang-up`;
  const { body } = await fleet.rest<Problem>(
    'POST',
    path,
    app.key,
    { userAlias: 'alice' },
    { traceparent: `00-${traceId}-${'b7ad6b71'.repeat(2)}-01` },
  );
  expect(body).toMatchObject({ code: 'call_not_found', traceId });
  const lines = await told(traceId, ['calls', 'gateway']);
  expect(lines).toContainEqual(
    expect.objectContaining({ name: 'calls', appId: app.appId, callId: unknownCall, problem: 'call_not_found', status: 404, path }),
  );
  expect(lines).toContainEqual(expect.objectContaining({ name: 'gateway', appId: app.appId, callId: unknownCall, status: 404 }));
});

test('a request that names no trace gets one; so does one that the door itself refuses', async () => {
  const first = await fleet.rest<Problem>('GET', `/v1/calls/${unknownCall}`, app.key);
  const second = await fleet.rest<Problem>('GET', '/v1/nothing', app.key);
  const third = await fleet.rest<Problem>('POST', '/v1/calls', app.key, '{"callees":');
  const traceIds = [first, second, third].map(({ body }) => body.traceId as string);
  expect(new Set(traceIds).size).toBe(3);
  await told(traceIds[0] as string, ['calls', 'gateway']);
  await told(traceIds[1] as string, ['gateway']);
  await told(traceIds[2] as string, ['calls', 'gateway']);
});

test('a frame that is refused tells its trace, one for each frame', async () => {
  const socket = await RawSocket.open(fleet);
  const token = await fleet.tokenOf(app, 'alice');
  socket.send({ type: 'connect', id: 0, appId: app.appId, userAlias: 'alice', deviceId: 'raw', token });
  await socket.frame('connected');
  const refused: string[] = [];
  for (const id of [1, 2]) {
    socket.send({ type: 'hang_up', id, commandId: `traced-${id}`, callId: unknownCall });
    const { error } = await socket.frame('error', (frame) => 'id' in frame && frame.id === id);
    refused.push(error.traceId as string);
  }
  socket.close();
  expect(new Set(refused).size).toBe(2);
  const lines = await told(refused[0] as string, ['calls', 'gateway']);
  expect(lines).toContainEqual(
    expect.objectContaining({ name: 'gateway', frame: 'hang_up', appId: app.appId, callId: unknownCall, problem: 'call_not_found' }),
  );
});

test('frames that come at one moment go together, and each has its own answer, problem and trace', async () => {
  const socket = await RawSocket.open(fleet);
  const token = await fleet.tokenOf(app, 'alice');
  socket.send({ type: 'connect', id: 0, appId: app.appId, userAlias: 'alice', deviceId: 'raw', token });
  await socket.frame('connected');
  const callOf = (id: number) => `01890000-0000-7000-8000-${String(id).padStart(12, '0')}`;
  const together = await eventually('frames that went together', async () => {
    const ids = Array.from({ length: 6 }, (_, index) => socket.frames.length + index + 1);
    for (const id of ids) socket.send({ type: 'hang_up', id, commandId: `at-once-${id}`, callId: callOf(id) });
    const answers = await Promise.all(ids.map((id) => socket.frame('error', (frame) => 'id' in frame && frame.id === id)));
    expect(answers.map(({ error }) => error.code)).toEqual(ids.map(() => 'call_not_found'));
    const lines = await told(answers[5]?.error.traceId as string, ['calls', 'gateway']);
    return lines.some(({ act, callId }) => act === 'hang_up' && callId === callOf(ids[5] as number)) ? { lines, answers } : undefined;
  });
  expect(new Set(together.answers.map(({ error }) => error.traceId)).size).toBe(6);
  expect(together.lines).toContainEqual(
    expect.objectContaining({ name: 'calls', act: 'hang_up', status: 404, problem: 'call_not_found', appId: app.appId }),
  );
  socket.close();
});

test('what a dial brings about is told in its trace, by whoever consumes its event', async () => {
  const [alice, bob] = await Promise.all([phones.connect(app, 'alice'), phones.connect(app, 'bob')]);
  const call = await alice.center.call(['bob']);
  await ringOf(bob);
  const dialed = await eventually('the line of the dial', async () =>
    logs('--call', call.callId).find(({ name, frame }) => name === 'gateway' && frame === 'dial'),
  );
  const lines = await told(dialed.traceId as string, ['calls', 'gateway', 'presence', 'webhooks']);
  // It came by itself, or with what others did at that moment.
  const ofTheDial = (line: Line) => (line.path === '/v1/calls' && line.status === 201) || (line.act === 'dial' && line.status === 200);
  expect(lines.filter((line) => line.name === 'calls' && line.callId === call.callId).some(ofTheDial)).toBe(true);
  expect(lines).toContainEqual(expect.objectContaining({ name: 'presence', msg: 'handled', topic: 'calls.events' }));
  await call.hangUp();
  await endOf(call);
});

test('what falls due is a trace of its own, which whoever is told of it goes on with', async () => {
  const alice = await phones.connect(app, 'alice');
  await phones.connect(app, 'bob');
  const call = await alice.center.call(['bob'], { ringSeconds: 5 });
  expect(await endOf(call, 20_000)).toBe('no_answer');
  const fired = await eventually('the line of the deadline', async () => logs('--call', call.callId).find(({ msg }) => msg === 'fired'));
  expect(fired).toMatchObject({ name: 'calls', deadline: 'ring', appId: app.appId });
  await told(fired.traceId as string, ['calls', 'presence']);
});

test('what is delivered, and what is tried again later, goes on with the trace of its event', async () => {
  const receiver = await WebhookReceiver.start();
  const { body } = await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, {
    url: receiver.url,
    eventTypes: ['call.dialed'],
  });
  receiver.secret = body.secret ?? '';
  receiver.statuses.push(500);
  const [alice] = await Promise.all([phones.connect(app, 'alice'), phones.connect(app, 'bob')]);
  const call = await alice.center.call(['bob']);
  const dialed = await eventually('the line of the dial', async () => logs('--call', call.callId).find(({ frame }) => frame === 'dial'));
  const tries = await eventually('two tries', async () => {
    const lines = logs('--trace', dialed.traceId as string, '--service', 'webhooks').filter(({ msg }) => msg === 'tried to deliver');
    return lines.length === 2 && lines;
  });
  expect(tries.map(({ status, appId }) => [status, appId])).toEqual([
    [500, app.appId],
    [204, app.appId],
  ]);
  expect(new Set(tries.map(({ deliveryId }) => deliveryId)).size).toBe(1);
  await call.hangUp();
  await receiver.stop();
});

test('who uses the SDK is told the trace of what was refused', async () => {
  const alice = await phones.connect(app, 'alice');
  const refused = await alice.center.call(['nobody-knows']).then(
    () => undefined,
    (error: CenterError) => error,
  );
  expect(refused?.code).toBe('unknown_user');
  await told(refused?.traceId as string, ['calls', 'gateway']);
});
