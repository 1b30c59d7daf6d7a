/*
 * What an integrator says of an endpoint by REST is what it is sent: filtered, in its form, with its headers and credentials, signed with
 * every secret that is good; over HTTPS to a receiver that asks who connects. Whatever is changed is on record.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { AuditList, CallReply, EndpointTested, EndpointView, Problem } from '@communication-center/contracts';
import type { EventTypeList } from '@communication-center/contracts/event-types';
import type { AttemptList, JobView, MessageList, MessageView } from '@communication-center/contracts/webhook-messages';
import { verify } from '@communication-center/server';
import { eventually, Fleet, type TestApp } from '@communication-center/testing';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

interface Seen {
  path: string;
  whose: string | undefined;
  headers: Record<string, string>;
  body: string;
}

const fleet = new Fleet();
const folder = mkdtempSync(join(tmpdir(), 'webhook-endpoints-'));
/** An authority, and a certificate of it for a server and for a client, as files. */
interface Certificates {
  ca: string;
  server: { cert: string; key: string };
  client: { cert: string; key: string };
}
const maker = new URL('../tools/launcher/infrastructure/secured.mjs', import.meta.url).href;
const made = ((await import(maker)) as { makeCertificates: (folder: string) => Certificates }).makeCertificates(folder);
const text = (file: string) => readFileSync(file, 'utf8');
const clientCertificate = { certificate: text(made.client.cert), privateKey: text(made.client.key), serverAuthority: text(made.ca) };
let server: Server;
let seen: Seen[];
let app: TestApp;

beforeAll(async () => {
  const tls = { cert: text(made.server.cert), key: text(made.server.key), ca: text(made.ca), requestCert: true };
  server = createServer(tls, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const socket = request.socket as TLSSocket;
    const whose = socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined;
    seen.push({ path: request.url ?? '', whose, headers: request.headers as Record<string, string>, body });
    response.writeHead(request.url === '/broken' ? 500 : 204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
beforeEach(async () => {
  seen = [];
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
  await Promise.all(['alice', 'bob', 'carol'].map((alias) => fleet.makeUser(app, alias)));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const endpoints = '/v1/webhook-endpoints';
const hook = (path: string) => `https://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
const at = ({ endpointId }: EndpointView, act = '') => `${endpoints}/${endpointId}${act}`;
const ask = <T>(method: string, path: string, body?: object) => fleet.rest<T>(method, path, app.key, body);
async function make(path: string, more: object = {}): Promise<EndpointView> {
  const { status, body } = await ask<EndpointView & Problem>('POST', endpoints, { url: hook(path), clientCertificate, ...more });
  expect([status, body.detail]).toEqual([201, undefined]);
  return body;
}
/** A call from its dial to its end. */
async function call(callees: string[], more: object = {}): Promise<string> {
  const { body } = await ask<CallReply>('POST', '/v1/calls', { userAlias: 'alice', callees, ...more });
  expect((await ask('POST', `/v1/calls/${body.callId}/end`)).status).toBeLessThan(300);
  return body.callId;
}
const callsAt = (path: string) =>
  new Set(seen.filter((one) => one.path === path).map(({ body }) => JSON.parse(body).data.callId as string));
const endsAt = (path: string) => seen.filter((one) => one.path === path && one.body.includes('call.ended'));

test('each endpoint is told of what it filters for, in its form, with what the receiver asks for', async () => {
  const first = await make('/all', { headers: { 'X-Tenant': 'blue' }, authentication: { type: 'bearer', token: 'tok_1' } });
  const events = await make('/events', { bodyFormat: 'cloudevents', signature: 'v1a', filters: { customData: { order: 4711 } } });
  await make('/video', { filters: { callTypes: ['audio_video'] }, eventTypes: ['call.*ed'] });
  await make('/carol', { filters: { userAliases: ['carol'] }, eventTypes: ['call.ended', 'call.dialed'] });
  const withBob = await call(['bob'], { callType: 'audio_video', customData: { order: 4711 } });
  const withCarol = await call(['carol'], { callType: 'audio_only', customData: { order: 4712 } });
  await eventually('both calls told to who asked for all', () => endsAt('/all').length === 2, 20_000);
  await eventually(
    'each of the others told of one',
    () => ['/events', '/video', '/carol'].every((path) => endsAt(path).length === 1),
    20_000,
  );
  expect([...callsAt('/all')].toSorted()).toEqual([withBob, withCarol].toSorted());
  for (const [path, callId] of [
    ['/events', withBob],
    ['/video', withBob],
    ['/carol', withCarol],
  ])
    expect([path, [...callsAt(path ?? '')]]).toEqual([path, [callId]]);
  expect(seen.every(({ whose }) => whose === 'client')).toBe(true);
  const [plain, event] = [endsAt('/all')[0], endsAt('/events')[0]] as [Seen, Seen];
  expect(plain.headers).toMatchObject({ 'x-tenant': 'blue', authorization: 'Bearer tok_1', 'content-type': 'application/json' });
  expect(new Webhook(first.secret ?? '').verify(plain.body, plain.headers)).toMatchObject({ type: 'call.ended' });
  expect(event.headers['content-type']).toBe('application/cloudevents+json');
  expect(events.secret).toBeUndefined();
  expect(verify(event.body, event.headers, events.publicKey ?? '')).toMatchObject({
    specversion: '1.0',
    subject: withBob,
    source: '/calls',
  });
});

test('an endpoint made in the middle of a call filters the rest of it by what its dial said', async () => {
  const { body } = await ask<CallReply>('POST', '/v1/calls', { userAlias: 'alice', callees: ['bob'], customData: { order: 1 } });
  await make('/right', { filters: { customData: { order: 1 } } });
  await make('/wrong', { filters: { customData: { order: 2 } } });
  await make('/any');
  await ask('POST', `/v1/calls/${body.callId}/end`);
  await eventually('who asked for it being told', () => endsAt('/right').length === 1 && endsAt('/any').length === 1, 20_000);
  expect(callsAt('/wrong').size).toBe(0);
});

test('an endpoint made by a client of before is as it was, and is changed field by field; what is secret is shown once', async () => {
  const { status, body } = await ask<EndpointView>('POST', endpoints, { url: hook('/x'), description: 'd', eventTypes: ['call.*'] });
  expect([status, body]).toMatchObject([
    201,
    { description: 'd', signature: 'v1', bodyFormat: 'standard_webhooks', ordering: 'per_subject' },
  ]);
  expect(body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const { secret: _, ...shown } = body;
  expect((await ask('GET', at(body))).body).toEqual(shown);
  expect((await ask<{ endpoints: object[] }>('GET', endpoints)).body.endpoints).toEqual([shown]);
  const patch = { clientCertificate, authentication: { type: 'basic', username: 'ann', password: 'a-long-password' }, timeoutMs: 2000 };
  const changed = await ask<EndpointView>('PATCH', at(body), patch);
  expect(changed.body).toEqual({
    ...shown,
    timeoutMs: 2000,
    authentication: { type: 'basic', username: 'ann' },
    clientCertificate: {
      subject: 'CN=client',
      fingerprint256: expect.stringContaining(':'),
      notAfter: expect.any(String),
      hasServerAuthority: true,
    },
  });
  expect(JSON.stringify((await ask('GET', endpoints)).body)).not.toMatch(/a-long-password|PRIVATE KEY/);
  expect((await ask<EndpointView>('PATCH', at(body), { authentication: null, clientCertificate: null, timeoutMs: null })).body).toEqual(
    shown,
  );
  expect((await ask('DELETE', at(body))).status).toBe(204);
  expect((await ask('GET', at(body))).status).toBe(404);
});

test.each([
  [{ url: 'https://10.0.0.1:22/', unknwon: 1 }, 'unknwon'],
  [{ url: 'https://user:x@example.org/' }, 'url'],
  [{ url: 'ftp://example.org/' }, 'url'],
  [{ url: 'https://example.org/', eventType: ['call.*'] }, 'eventType'],
  [{ url: 'https://example.org/', filters: { userAlias: ['bob'] } }, 'filters.userAlias'],
  [{ url: 'https://example.org/', headers: { Host: 'x' } }, 'headers.Host'],
  [{ url: 'https://example.org/', timeoutMs: 60_000 }, 'timeoutMs'],
  [
    { url: 'https://example.org/', clientCertificate: { ...clientCertificate, privateKey: '-----BEGIN PRIVATE KEY-----\n' } },
    'clientCertificate.privateKey',
  ],
])('what is wrong with %j is refused by name', async (body, field) => {
  const { status, body: problem } = await ask<Problem>('POST', endpoints, body);
  expect([status, problem.fields?.map((one) => one.field)]).toEqual([400, expect.arrayContaining([field])]);
});

test('while a secret takes the place of another, messages carry both signatures; a test says how the receiver answers', async () => {
  const endpoint = await make('/rotating');
  const rotated = (await ask<EndpointView>('POST', at(endpoint, '/secrets/rotate'), { overlapSeconds: 60, signature: 'v1a' })).body;
  expect([rotated.secret, rotated.signature]).toEqual([undefined, 'v1a']);
  const tested = await ask<EndpointTested>('POST', at(endpoint, '/test'));
  expect(tested.body).toMatchObject({ status: 204, error: null, messageId: seen[0]?.headers['webhook-id'] });
  const [{ headers, body }] = seen as [Seen];
  expect(headers['webhook-signature']?.split(' ').map((one) => one.split(',')[0])).toEqual(['v1a', 'v1']);
  expect(verify(body, headers, endpoint.secret ?? '')).toMatchObject({ type: 'endpoint.test', data: { appId: app.appId, test: true } });
  expect(verify(body, headers, rotated.publicKey ?? '')).toMatchObject({ data: { endpointId: endpoint.endpointId } });
  const leaked = (await ask<EndpointView>('POST', at(endpoint, '/secrets/rotate'), { overlapSeconds: 0, signature: 'v1' })).body;
  await ask('POST', at(endpoint, '/test'), { eventType: 'call.ended' });
  const last = seen.at(-1) as Seen;
  expect(verify(last.body, last.headers, leaked.secret ?? '')).toMatchObject({ type: 'call.ended', data: { test: true } });
  expect(() => verify(last.body, last.headers, [endpoint.secret ?? '', rotated.publicKey ?? ''])).toThrow('No signature');
  expect((await ask<Problem>('POST', at(endpoint, '/test'), { eventType: 'call.fax' })).body.fields?.[0]?.field).toBe('eventType');
  await ask('PATCH', at(endpoint), { url: hook('/broken') });
  expect((await ask<EndpointTested>('POST', at(endpoint, '/test'))).body).toMatchObject({ status: 500, error: 'answered 500' });
  await ask('PATCH', at(endpoint), { clientCertificate: null });
  expect((await ask<EndpointTested>('POST', at(endpoint, '/test'))).body).toMatchObject({ status: null, error: expect.any(String) });
});

test('an endpoint that is disabled is told nothing until it is enabled', async () => {
  const [stopped, other] = await Promise.all([make('/stopped'), make('/other')]);
  expect((await ask<EndpointView>('POST', at(stopped, '/disable'))).body).toMatchObject({ disabledReason: 'disabled by request' });
  await call(['bob']);
  await eventually('the other one being told', () => endsAt('/other').length === 1, 20_000);
  expect((await ask<EndpointView>('POST', at(stopped, '/enable'))).body.disabledAt).toBeNull();
  await call(['bob']);
  await eventually('both being told', () => endsAt('/other').length === 2 && endsAt('/stopped').length > 0, 20_000);
  expect(other.endpointId).not.toBe(stopped.endpointId);
});

test('what is done to endpoints is on record with who did it, and what is not there is not', async () => {
  const endpoint = await make('/noted');
  await ask('PATCH', at(endpoint), { description: 'other' });
  await ask('POST', at(endpoint, '/secrets/rotate'));
  await ask('POST', at(endpoint, '/disable'));
  await ask('POST', at(endpoint, '/enable'));
  await ask('DELETE', at(endpoint));
  expect((await ask('POST', at(endpoint, '/secrets/rotate'))).status).toBe(404);
  const { entries } = (await ask<AuditList>('GET', `/v1/apps/${app.appId}/audit?limit=200`)).body;
  const ofEndpoint = entries.filter(({ target }) => target === `webhooks: ${endpoint.endpointId}`);
  expect(ofEndpoint.map(({ act }) => act).toReversed()).toEqual([
    'endpoint.made',
    'endpoint.changed',
    'endpoint.secret_rotated',
    'endpoint.disabled',
    'endpoint.enabled',
    'endpoint.deleted',
  ]);
  expect(ofEndpoint.every(({ actor }) => actor.startsWith('key:'))).toBe(true);
});

test('the catalogue says what may be told, and what is told is as it says', async () => {
  const { eventTypes, newestPayloadVersion } = (await ask<EventTypeList>('GET', '/v1/event-types')).body;
  expect(eventTypes.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['call.dialed', 'call.ended', 'presence.changed', 'audit.noted']),
  );
  const { body } = await ask<EventTypeList['eventTypes'][number]>('GET', '/v1/event-types/call.ended');
  expect(body).toEqual(eventTypes.find(({ type }) => type === 'call.ended'));
  expect(body.payloadVersions).toContain(newestPayloadVersion);
  expect((await ask('GET', '/v1/event-types/call.fax')).status).toBe(404);
  await make('/schema');
  await call(['bob']);
  await eventually('the end being told', () => endsAt('/schema').length === 1, 20_000);
  const told = JSON.parse(endsAt('/schema')[0]?.body ?? '') as { data: object };
  const { required, properties } = (body.schema as { properties: { data: { required: string[]; properties: object } } }).properties.data;
  expect(required.filter((name) => !(name in told.data))).toEqual([]);
  expect(Object.keys(told.data).filter((name) => !(name in properties))).toEqual([]);
});

test('what became of a call’s events is looked up, and one or all of them are sent again, under their ids', async () => {
  const endpoint = await make('/log', { eventTypes: ['call.dialed', 'call.ended'] });
  const callId = await call(['bob']);
  const idsAt = () =>
    seen.filter(({ path, body }) => path === '/log' && JSON.parse(body).data.callId === callId).map(({ headers }) => headers['webhook-id']);
  await eventually('both', () => idsAt().length === 2, 15_000);
  const atEndpoint = `/v1/webhook-messages?subject=${callId}&endpointId=${endpoint.endpointId}`;
  const delivered = () => ask<MessageList>('GET', `${atEndpoint}&state=delivered`);
  const { messages } = await eventually('both being on record', async () => {
    const { body } = await delivered();
    return body.messages.length === 2 && body;
  });
  expect(messages.map(({ type }) => type)).toEqual(['call.ended', 'call.dialed']);
  const deaf = await make('/deaf', { eventTypes: ['presence.*'] });
  const { body: unsent } = await ask<MessageList>(
    'GET',
    `/v1/webhook-messages?subject=${callId}&endpointId=${deaf.endpointId}&state=not_sent`,
  );
  expect(unsent.messages.map(({ type }) => type)).toEqual(expect.arrayContaining(['call.ended', 'call.dialed']));
  expect(new Set(unsent.messages.map(({ delivery }) => delivery?.attempts))).toEqual(new Set([0]));
  const dialed = messages[1]?.messageId as string;
  const { body: message } = await ask<MessageView>('GET', `/v1/webhook-messages/${dialed}`);
  expect(message).toMatchObject({ type: 'call.dialed', subject: callId, data: { initiator: 'alice' } });
  expect(message.deliveries.filter(({ attempts }) => attempts > 0)).toMatchObject([
    { endpointId: endpoint.endpointId, state: 'delivered', attempts: 1, latest: [{ attempt: 1, status: 204, error: null, answer: null }] },
  ]);
  expect((await ask('POST', `/v1/webhook-messages/${dialed}/resend`, { endpointId: endpoint.endpointId })).status).toBe(202);
  await eventually('it again', () => idsAt().filter((id) => id === dialed).length === 2, 10_000);

  const { status, body: job } = await ask<JobView>('POST', at(endpoint, '/jobs'), { kind: 'replay', subject: callId });
  expect([status, job.state]).toEqual([201, 'running']);
  await eventually('the replay', async () => (await ask<JobView>('GET', `/v1/webhook-jobs/${job.jobId}`)).body.state === 'done', 15_000);
  expect(idsAt().filter((id) => id === dialed)).toHaveLength(3);
  expect(idsAt()).toHaveLength(5);
  const { body: jobs } = await ask<{ jobs: JobView[] }>('GET', '/v1/webhook-jobs');
  expect(jobs.jobs).toMatchObject([{ jobId: job.jobId, queued: 2, delivered: 2, failed: 0, waiting: 0 }]);
  expect((await ask<JobView>('POST', `/v1/webhook-jobs/${job.jobId}/cancel`, {})).body.state, 'it stays done').toBe('done');
  const { body: attempts } = await ask<AttemptList>('GET', `/v1/webhook-attempts?messageId=${dialed}&limit=2`);
  const { entries } = (await ask<AuditList>('GET', `/v1/apps/${app.appId}/audit?limit=200`)).body;
  const again = entries.filter(({ act }) => act.startsWith('webhook_')).map(({ act, target, actor }) => [act, target, actor.slice(0, 4)]);
  expect(again.toReversed(), 'who had what sent again is on record').toEqual([
    ['webhook_message.resent', `webhooks: ${dialed} to ${endpoint.endpointId}`, 'key:'],
    ['webhook_job.made', `webhooks: ${job.jobId} at ${endpoint.endpointId}: replay of ${callId}`, 'key:'],
  ]);
  expect(attempts.attempts.map(({ attempt }) => attempt)).toEqual([3, 2]);
  const rest = await ask<AttemptList>('GET', `/v1/webhook-attempts?messageId=${dialed}&limit=2&cursor=${attempts.nextCursor}`);
  expect(rest.body.attempts.map(({ attempt }) => attempt)).toEqual([1]);
}, 60_000);

test('a question or a job that cannot be is refused by what is wrong with it', async () => {
  const endpoint = await make('/none');
  const faults = async (method: string, path: string, body?: object) =>
    (await ask<Problem>(method, path, body)).body.fields?.map(({ field }) => field);
  expect(await faults('GET', '/v1/webhook-messages?state=failed')).toEqual(['endpointId']);
  expect(await faults('GET', '/v1/webhook-messages?colour=red')).toEqual(['colour']);
  expect(await faults('POST', at(endpoint, '/jobs'), { kind: 'replay' })).toEqual(['since']);
  expect(await faults('POST', at(endpoint, '/jobs'), { kind: 'recover', position: 5 })).toEqual(['since']);
  expect(await faults('POST', at(endpoint, '/jobs'), { kind: 'replay', since: '2026-11-28T00:00:00Z', fast: true })).toEqual(['fast']);
  expect((await ask('GET', `/v1/webhook-messages/${endpoint.endpointId}`)).status).toBe(404);
});
