/*
 * Every route of the API document is asked by everybody there is: a key of each scope alone, an admin's key, a user, the operator, and
 * nobody. Who it is for gets past the door; everybody else hears 403, and whoever has no credential 401.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ApiKeyView, apiKeyBodySchema } from '@communication-center/contracts';
import { Fleet, type TestApp } from '@communication-center/testing';
import { beforeAll, expect, test } from 'vitest';

const fleet = new Fleet();
const document = JSON.parse(readFileSync(new URL('../docs/protocol/openapi.json', import.meta.url), 'utf8')) as {
  paths: Record<string, Record<string, { 'x-for': string[] }>>;
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { 'x-for': by }]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    path,
    by,
  })),
);
/** Of the contract itself, so that a scope that is added is tried. */
const scopes = apiKeyBodySchema.shape.scopes.unwrap().element.options;
const ann = 'ann-of-the-scopes';
let app: TestApp;
/** Whom the operator may close: else nobody would be let in any more. */
let closing: TestApp;
let askers: Record<string, string | undefined>;

beforeAll(async () => {
  [app, closing] = await Promise.all([fleet.makeApp(), fleet.makeApp()]);
  await fleet.makeUser(app, ann);
  const keys = await Promise.all(
    scopes.map(async (scope) => {
      const made = await fleet.rest<ApiKeyView>('POST', `/v1/apps/${app.appId}/api-keys`, app.key, { name: scope, scopes: [scope] });
      return [scope, made.body.secret] as const;
    }),
  );
  askers = {
    ...Object.fromEntries(keys),
    user: await fleet.tokenOf(app, ann),
    operator: fleet.state.secrets.operatorKey,
    nobody: undefined,
  };
});

/** The user's own things where a user asks; else those of nobody, so that whatever is let through finds nothing to break. */
function placeOf({ method, path }: (typeof operations)[number], asker: string): string {
  const closes = /\/(suspend|resume)$/.test(path) || (method === 'DELETE' && path === '/v1/apps/{appId}');
  const ids: Record<string, string> = {
    provider: path.startsWith('/v1/channel-credentials') ? 'smtp' : 'fcm',
    appId: closes && asker === 'operator' ? closing.appId : app.appId,
    userAlias: asker === 'user' ? ann : `nobody-${asker}`,
    username: `desk-${asker}`,
    service: 'calls',
    name: 'no-projection',
    type: 'call.ended',
    file: 'index.m3u8',
  };
  const place = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ids[name] ?? randomUUID()));
  return askedOfSomebody.has(path) && method !== 'POST' ? `${place}?userAlias=${ids.userAlias}` : place;
}

/** Of which keys say whom they mean. */
const askedOfSomebody = new Set(['/v1/notifications', '/v1/push-registrations']);

/** A body that would be taken. */
function bodyFor(path: string): object {
  if (path === '/v1/calls') return { userAlias: ann, deviceId: 'd', callees: ['nobody-there'] };
  if (path === '/v1/user-tokens') return { userAlias: ann, appId: app.appId };
  if (path.includes('sip-accounts')) return {};
  if (path.endsWith('webhook-endpoints')) return { url: 'http://127.0.0.1:9/scopes' };
  if (path.endsWith('/jobs')) return { kind: 'replay', position: 0 };
  if (path.endsWith('/resend')) return { endpointId: randomUUID() };
  if (path.includes('webhook-endpoints/')) return {};
  if (path.endsWith('/acknowledge')) return { cursor: 'a-cursor' };
  if (path.startsWith('/v1/events/')) return {};
  if (path.endsWith('do-not-disturb')) return { doNotDisturb: false };
  if (path === '/v1/users/{userAlias}') return { name: 'Somebody' };
  if (path.endsWith('/push')) return { url: 'rtmp://127.0.0.1:9/scopes', streamKey: 'scopes' };
  if (path === '/v1/recording-storage') return { endpoint: 'http://127.0.0.1:9', bucket: 'scopes', accessKeyId: 'a', secretAccessKey: 'b' };
  if (path === '/v1/notifications/log') return { rings: false };
  if (path.endsWith('api-keys')) return { name: 'made', scopes: ['calls'] };
  if (path === '/v1/push-registrations') return { userAlias: ann, deviceId: 'd', target: { kind: 'fcm', token: 'a-token-of-the-scopes' } };
  if (path.startsWith('/v1/webhook-jobs')) return {};
  if (path === '/v1/push-credentials') return { provider: 'web_push', subject: 'mailto:ops@example.com' };
  if (path.startsWith('/v1/push-credentials')) return {};
  if (path === '/v1/media/test') return {};
  if (path === '/v1/channel-credentials')
    return { provider: 'smtp', host: '127.0.0.1', port: 9, security: 'none', from: 'calls@example.com' };
  if (path.startsWith('/v1/notification-rules'))
    return { on: 'call.missed', to: { kind: 'callee' }, steps: [{ channel: 'email', template: 'missed-call' }] };
  if (path.endsWith('/preview')) return { template: { locales: { en: { subject: 's', text: 't' } } } };
  if (path.endsWith('{templateId}/test')) return { email: 'ann@example.com' };
  if (path.startsWith('/v1/notification-templates')) return { locales: { en: { subject: 's', text: 't' } } };
  if (path.startsWith('/v1/notification-preferences')) return { push: true };
  if (path === '/v1/apps/{appId}') return { name: app.appId, trustsBareAlias: true };
  if (path.includes('dead-letters')) return { group: 'calls.none', topic: 'calls.events', key: 'none' };
  if (path.includes('/operations/')) return {};
  const common = { userAlias: ann, deviceId: 'd' };
  if (/\/(add|ring)$/.test(path)) return { ...common, callees: ['nobody-there'] };
  return /\/(kick|mute|allow)$/.test(path) ? { ...common, participant: 'nobody-there' } : common;
}

async function statusOf(operation: (typeof operations)[number], asker: string): Promise<number> {
  const { method, path } = operation;
  const stop = new AbortController();
  const response = await fetch(new URL(placeOf(operation, asker), fleet.url), {
    method,
    headers: {
      ...(askers[asker] !== undefined && { authorization: `Bearer ${askers[asker]}` }),
      ...(method !== 'GET' && method !== 'DELETE' && { 'content-type': 'application/json' }),
    },
    ...(method !== 'GET' && method !== 'DELETE' && { body: JSON.stringify(bodyFor(path)) }),
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(20_000)]),
  });
  stop.abort();
  return response.status;
}

test('every route is for somebody', () => {
  expect(operations.length).toBeGreaterThan(50);
  expect(operations.filter(({ by }) => by.length === 0)).toEqual([]);
  for (const scope of scopes)
    expect(
      operations.some(({ by }) => by.includes(scope)),
      scope,
    ).toBe(true);
});

test.each(operations)('$name is for those the document names, and for nobody else', async (operation) => {
  const { by } = operation;
  for (const asker of Object.keys(askers)) {
    const isScope = scopes.some((scope) => scope === asker);
    // An admin's key may what any other key may.
    const isFor = by.includes(asker) || (asker === 'admin' && by.some((one) => scopes.some((scope) => scope === one)));
    const status = await statusOf(operation, asker);
    const what = `${operation.name} as ${isScope ? `a key for ${asker}` : asker}: ${status}`;
    if (isFor) expect([401, 403, 400], what).not.toContain(status);
    else expect(status, what).toBe(asker === 'nobody' ? 401 : 403);
    expect(status, what).toBeLessThan(500);
  }
});
