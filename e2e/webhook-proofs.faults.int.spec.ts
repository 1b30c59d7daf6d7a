/*
 * What receivers got is what the log has: though a worker is killed and Redis is emptied in the middle, and though a receiver is away
 * for long, which costs no memory. Of two workers of which one is killed no endpoint waits longer than ten seconds.
 *
 * `WEBHOOK_PROOFS=10000` says with how many events; npm test leaves it out.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnyEvent, EndpointView } from '@communication-center/contracts';
import type { AttemptList, JobView, MessageList } from '@communication-center/contracts/webhook-messages';
import { EventLog, toMessage } from '@communication-center/event-log';
import { eventually, Fleet, type ProcessName, type TestApp } from '@communication-center/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const count = Number(process.env.WEBHOOK_PROOFS ?? 0);
/** A second: as many as one replica delivers easily. */
const rate = 500;
const fleet = new Fleet();
const log = new EventLog({ brokers: [fleet.state.servers.brokers], clientId: 'webhook-proofs' });
const producer = log.producer();
/** When each event was given to the log, and when it came first, in milliseconds; by path of its receiver. */
let told: Map<string, number>;
let came: Map<string, { at: number; path: string; times: number }>;
let isAway: boolean;
let server: Server;

describe.skipIf(count === 0)(`with ${count} events`, () => {
  beforeAll(() => producer.connect());
  afterAll(() => producer.disconnect());
  beforeEach(async () => {
    [told, came, isAway] = [new Map(), new Map(), false];
    server = createServer((request, response) => {
      request.resume().on('end', () => {
        if (isAway) return void response.writeHead(503).end();
        const id = String(request.headers['webhook-id']);
        const known = came.get(id);
        came.set(id, known ? { ...known, times: known.times + 1 } : { at: performance.now(), path: request.url ?? '', times: 1 });
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return async () => {
      server.closeAllConnections();
      server.close();
    };
  });

  test('a worker is killed and Redis emptied in the middle: each receiver has what the log has, and waited no longer than ten seconds', async () => {
    const apps = await Promise.all(Array.from({ length: 16 }, (_, number) => appWithEndpoint(`/${number}`)));
    const telling = tell(apps, count);
    await eventually('a third', () => came.size > count / 3, 120_000);
    const [victim] = fleet.replicasOf('webhooks') as [ProcessName];
    await fleet.control(victim, 'kill');
    await flushRedis();
    await telling;
    await eventually('all', () => came.size >= count, 120_000);
    expect(new Set(came.keys())).toEqual(new Set(told.keys()));
    const waits = [...came].map(([id, { at }]) => at - (told.get(id) ?? 0));
    const repeats = [...came.values()].filter(({ times }) => times > 1).length;
    console.log(`longest wait ${(Math.max(...waits) / 1000).toFixed(1)} s, ${repeats} of ${count} came again`);
    // One alone is started again first.
    if (fleet.replicasOf('webhooks').length > 1) expect(Math.max(...waits)).toBeLessThan(10_000);
    expect(repeats).toBeLessThan(rate);
    await fleet.ready('webhooks');
  }, 300_000);

  test('a receiver that is away costs no more memory the longer it is, and has everything after; a replay brings it again', async () => {
    const app = await appWithEndpoint('/away');
    // A process that has just begun grows by working.
    await tell([app], count / 2);
    await eventually('the first', () => came.size === count / 2, 30_000);
    isAway = true;
    await tell([app], count / 2);
    const before = await resident();
    await tell([app], count);
    const after = await resident();
    console.log(`${before.map(inMb)} MB after ${count / 2} that wait, ${after.map(inMb)} MB after ${1.5 * count}`);
    for (const [index, bytes] of after.entries()) expect(bytes - (before[index] ?? 0)).toBeLessThan(16 * 2 ** 20);
    isAway = false;
    await eventually('all', () => came.size === 2 * count, 180_000);
    expect(new Set(came.keys())).toEqual(new Set(told.keys()));
    const ask = <T>(method: string, path: string, body?: object) => fleet.rest<T>(method, path, app.key, body);
    const { body: failed } = await ask<AttemptList>('GET', '/v1/webhook-attempts?outcome=failed&limit=200');
    expect(failed.attempts.length).toBeGreaterThan(4);
    expect(failed.attempts.length).toBeLessThan(100);
    const jobs = `/v1/webhook-endpoints/${app.endpointId}/jobs`;
    const { body: made } = await ask<JobView>('POST', jobs, { kind: 'replay', position: 2 * count - 500 });
    const job = async () => (await ask<JobView>('GET', `/v1/webhook-jobs/${made.jobId}`)).body;
    await eventually('the replay', async () => (await job()).state === 'done', 120_000);
    // A repeat that the log brought leaves a gap between places.
    const { queued, delivered } = await job();
    expect([queued >= 500, queued < 1000, delivered]).toEqual([true, true, queued]);
    const { body: list } = await ask<MessageList>('GET', `/v1/webhook-messages?endpointId=${app.endpointId}&state=delivered&limit=200`);
    expect(list.messages).toHaveLength(200);
  }, 400_000);
});

async function appWithEndpoint(path: string): Promise<TestApp & { endpointId: string }> {
  const app = await fleet.makeApp();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const { body } = await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, { url });
  return { ...app, endpointId: body.endpointId };
}

/** Writes events to the log at a rate, to apps in turn. Resolves when the brokers have all of them. */
async function tell(apps: readonly TestApp[], events: number): Promise<void> {
  const atOnce = 50;
  const from = performance.now();
  for (let number = 0; number < events; number += atOnce) {
    const messages = Array.from({ length: atOnce }, (_, one) => eventOf(apps[(number + one) % apps.length] as TestApp));
    await producer.send({ topic: 'calls.events', acks: -1, messages });
    await sleep(Math.max(0, from + ((number + atOnce) * 1000) / rate - performance.now()));
  }
}

function eventOf({ appId }: TestApp) {
  const [id, callId] = [randomUUID(), randomUUID()];
  told.set(id, performance.now());
  const data = {
    callId,
    sequence: 1,
    audience: ['alice', 'bob'],
    initiator: 'alice',
    initiatorDevice: 'laptop',
    callees: ['bob'],
    callType: 'audio_video',
    ringSeconds: 60,
    maxParticipants: 8,
    maxDurationSeconds: 14_400,
    mediaSetupSeconds: 60,
  };
  const event = {
    ...{ specversion: '1.0', source: '/calls', type: 'call.dialed', dataversion: 1, datacontenttype: 'application/json' },
    ...{ id, time: new Date().toISOString(), subject: callId, callid: callId, appid: appId, sequence: 1, data },
  };
  return toMessage(callId, event as unknown as AnyEvent);
}

/** @returns how many bytes each replica has, as the system counts them, once it is quiet. */
async function resident(): Promise<number[]> {
  await sleep(3000);
  const of = async (replica: ProcessName) => (await fleet.figuresOf(replica)).get('process_resident_memory_bytes') ?? Number.NaN;
  return Promise.all(fleet.replicasOf('webhooks').map(of));
}

const inMb = (bytes: number) => Math.round(bytes / 2 ** 20);

async function flushRedis(): Promise<void> {
  const { hostname, port, password } = new URL(fleet.state.servers.redis);
  const auth = password ? `AUTH ${decodeURIComponent(password)}\r\n` : '';
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(`${auth}FLUSHALL\r\nQUIT\r\n`));
    let text = '';
    socket.on('data', (data) => (text += String(data)));
    socket.on('end', () => resolve(text)).on('error', reject);
  });
  expect(answer).toContain('+OK');
}
