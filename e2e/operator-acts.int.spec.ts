/*
 * What operators have services do, and what they change of an app's limits, is on record with who did it: of an app where it concerns
 * one, which its admins read and its endpoints are told, else of the Center, which operators read and follow.
 */
import { randomUUID } from 'node:crypto';
import type { AuditEntry, AuditList, EndpointView } from '@communication-center/contracts';
import { eventually, Fleet, type TestApp, WebhookReceiver } from '@communication-center/testing';
import { beforeEach, expect, test } from 'vitest';

const fleet = new Fleet();
const operator = fleet.state.secrets.operatorKey;
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp();
});

const entriesOf = async (path: string, key: string) => (await fleet.rest<AuditList>('GET', `${path}?limit=200`, key)).body.entries;
const ofApp = () => entriesOf(`/v1/apps/${app.appId}/audit`, app.key);
const ofCenter = () => entriesOf('/v1/audit', operator);
const saidOf = ({ actor, act, target }: AuditEntry) => ({ actor, act, target });

/** Parks a key of an app with a consumer of calls, as if an event of it could not be handled. @returns its name. */
async function park(appId: string | undefined): Promise<{ group: string; topic: string; key: string }> {
  const parked = { group: 'calls.call-history', topic: 'calls.events', key: randomUUID() };
  const name = [parked.group, parked.topic, parked.key];
  await fleet.query('calls', "INSERT INTO parked_keys (consumer_group, topic, key, reason) VALUES ($1, $2, $3, 'a test')", name);
  await fleet.query(
    'calls',
    'INSERT INTO parked_events (consumer_group, topic, key, source_offset, value, headers) VALUES ($1, $2, $3, 1, NULL, $4)',
    [...name, JSON.stringify(appId ? { ce_appid: appId } : {})],
  );
  return parked;
}

const dead = (act: 'redrive' | 'discard', parked: object) =>
  fleet.rest('POST', `/v1/operations/calls/dead-letters/${act}`, operator, parked);

test('a parked key that is redriven or given up is on the record of its app, and told to the app’s endpoints', async () => {
  const receiver = await WebhookReceiver.start();
  const endpoint = { url: receiver.url, eventTypes: ['audit.*'] };
  await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, endpoint);
  const [redriven, discarded] = [await park(app.appId), await park(app.appId)];
  expect((await dead('redrive', redriven)).body).toEqual({ handled: 1 });
  expect((await dead('discard', discarded)).body).toEqual({ discarded: 1 });
  const said = (await ofApp()).slice(0, 2).map(saidOf);
  const named = ({ group, topic, key }: typeof redriven) => `calls: ${group} ${topic} ${key}`;
  expect(said).toEqual([
    { actor: 'operator', act: 'parked_key.discarded', target: named(discarded) },
    { actor: 'operator', act: 'parked_key.redriven', target: named(redriven) },
  ]);
  await eventually(
    'the endpoint being told',
    () => receiver.received.some(({ body }) => body.data.act === 'parked_key.discarded' && body.data.target === named(discarded)),
    15_000,
  );
  await receiver.stop();
});

test('what is not parked, or asked by an admin of an app, is neither done nor on record', async () => {
  const nothing = { group: 'calls.call-history', topic: 'calls.events', key: randomUUID() };
  expect((await dead('discard', nothing)).status).toBe(404);
  expect((await dead('redrive', nothing)).body).toEqual({ handled: 0 });
  expect((await fleet.rest('POST', '/v1/operations/calls/projections/none/rebuild', operator, {})).status).toBe(404);
  const parked = await park(app.appId);
  expect((await fleet.rest('POST', '/v1/operations/calls/dead-letters/discard', app.key, parked)).status).toBe(403);
  const told = JSON.stringify([await ofApp(), await ofCenter()]);
  expect([nothing.key, parked.key, 'projection none'].filter((name) => told.includes(name))).toEqual([]);
  await dead('discard', parked);
});

test('what concerns no single app is on the record of the Center, which operators read and follow, and nobody else', async () => {
  const stop = new AbortController();
  const authorization = `Bearer ${operator}`;
  const stream = await fetch(`${fleet.url}/v1/audit/stream`, { headers: { authorization }, signal: stop.signal });
  expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  let streamed = '';
  const decoder = new TextDecoder();
  const readOn = async () => {
    for await (const part of stream.body as ReadableStream<Uint8Array>) streamed += decoder.decode(part, { stream: true });
  };
  const reading = readOn().catch(() => undefined);
  const ofNobody = await park(undefined);
  await fleet.rebuild('notifications', 'contacts');
  await dead('discard', ofNobody);
  const said = (await ofCenter()).map(saidOf);
  expect(said).toContainEqual({ actor: 'operator', act: 'projection.rebuilt', target: 'notifications: contacts' });
  const discarded = `calls: ${ofNobody.group} ${ofNobody.topic} ${ofNobody.key}`;
  expect(said).toContainEqual({ actor: 'operator', act: 'parked_key.discarded', target: discarded });
  await eventually('the stream telling of both', () => streamed.includes(discarded) && streamed.includes('notifications: contacts'));
  stop.abort();
  await reading;
  expect((await fleet.rest('GET', '/v1/audit', app.key)).status).toBe(403);
  const cursor = (await fleet.rest<AuditList>('GET', '/v1/audit?limit=1', operator)).body.nextCursor;
  expect((await fleet.rest<AuditList>('GET', `/v1/audit?limit=1&cursor=${cursor}`, operator)).body.entries).toHaveLength(1);
  // A page of the one is none of the other.
  expect((await fleet.rest('GET', `/v1/apps/${app.appId}/audit?cursor=${cursor}`, app.key)).status).toBe(400);
});

test('limits that an operator changes are on record with what they are and were; a change of anything else says nothing of them', async () => {
  const save = (options: object) => fleet.rest('PUT', `/v1/apps/${app.appId}`, operator, { name: 'x', options });
  const ofLimits = async () => (await ofApp()).filter(({ act }) => act === 'limits.changed').map(saidOf);
  await save({ ringSeconds: 30 });
  expect(await ofLimits()).toEqual([]);
  await save({ limits: { simultaneousCalls: 7, dials: { app: { perSecond: 3, burst: 9 } } } });
  await save({ limits: { simultaneousCalls: 7, dials: { app: { perSecond: 3, burst: 9 } } } });
  await save({ limits: { simultaneousCalls: 8 } });
  expect(await ofLimits()).toEqual([
    {
      actor: 'operator',
      act: 'limits.changed',
      target: 'dials.app by default (was 3/s, 9 at once); simultaneousCalls 8 (was 7)',
    },
    {
      actor: 'operator',
      act: 'limits.changed',
      target: 'dials.app 3/s, 9 at once (was by default); simultaneousCalls 7 (was by default)',
    },
  ]);
});
