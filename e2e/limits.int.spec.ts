/*
 * Nobody takes more than a fair share: what goes beyond it is refused with when to come again, at all gateways together, and others
 * notice nothing. Wrong tokens are looked at for a while only.
 */
import { request } from 'node:http';
import type { AppOptions } from '@communication-center/contracts';
import { eventually, Fleet, Phones, RawSocket, type TestApp } from '@communication-center/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
afterAll(() => phones.closeAll());

const gateways = ['', '-2'].flatMap((suffix) => {
  const port = fleet.state.ports[`gateway${suffix}`];
  return port && (suffix === '' || fleet.state.replicas > 1) ? [`http://127.0.0.1:${port}`] : [];
});

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: { code?: string; retryAfterSeconds?: number };
}

/** Asks from an address of its own, so that what fails here counts for nobody else. */
function ask(path: string, token: string, { url = fleet.url, from = '127.0.0.1' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, url), { localAddress: from, headers: { authorization: `Bearer ${token}` } }, (answer) => {
      let text = '';
      answer.on('data', (part) => (text += String(part)));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: JSON.parse(text || '{}') as Answer['body'] }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

const limitedApp = (limits: AppOptions['limits']) => fleet.makeApp({ options: { limits } });
/** The gateway at which nobody asked for the app yet reads its limits first. */
const known = (app: TestApp) => Promise.all(gateways.map((url) => ask('/v1/webhook-endpoints', app.key, { url })));

describe('over REST', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await limitedApp({ reads: { key: { perSecond: 0.2, burst: 24 } } });
    await known(app);
  });

  test('all gateways together let through the burst, and little more', async () => {
    const answers: Answer[] = [];
    for (let n = 0; n < 40; n += 1) answers.push(await ask('/v1/calls', app.key, { url: gateways[n % gateways.length] ?? fleet.url }));
    const through = answers.filter(({ status }) => status === 200).length;
    // Two were used to make them known; each of two gateways may take three ahead.
    expect(through).toBeGreaterThanOrEqual(24 - gateways.length - 3);
    expect(through).toBeLessThanOrEqual(24 - gateways.length + 6);
    const refused = answers.at(-1);
    expect([refused?.status, refused?.body.code]).toEqual([429, 'rate_limited']);
    expect(Number(refused?.headers['retry-after'])).toBe(refused?.body.retryAfterSeconds);
    expect(refused?.headers['ratelimit-policy']).toContain('"reads-key";q=24;w=120');
    expect(refused?.headers.ratelimit).toContain('"reads-key";r=0;t=');
  });

  test('another app, and other kinds of acts of this one, go on', async () => {
    const other = await fleet.makeApp();
    expect((await ask('/v1/calls', other.key)).status).toBe(200);
    expect((await fleet.rest('PUT', '/v1/users/zoe', app.key, {})).status).toBe(200);
  });

  test('the limits that hold are told, and change within seconds', async () => {
    const limits = await fleet.rest<Record<string, Record<string, unknown>>>(
      'GET',
      `/v1/apps/${app.appId}/limits`,
      fleet.state.secrets.operatorKey,
    );
    expect([limits.body.reads?.key, limits.body.dials?.app]).toEqual([
      { perSecond: 0.2, burst: 24 },
      { perSecond: expect.any(Number), burst: expect.any(Number) },
    ]);
    const body = { name: app.appId, options: { limits: { reads: { key: { perSecond: 100, burst: 200 } } } } };
    expect((await fleet.rest('PUT', `/v1/apps/${app.appId}`, fleet.state.secrets.operatorKey, body)).status).toBe(200);
    await eventually('the new limits holding', async () => (await ask('/v1/calls', app.key)).status === 200, 20_000);
    expect((await fleet.rest('GET', `/v1/apps/${app.appId}/limits`, app.key)).body).toMatchObject({ reads: { key: { burst: 200 } } });
  });
});

describe('over a socket', () => {
  test('a dial beyond the share is refused by its id, and the SDK says so at once; whoever is in a call hangs up all the same', async () => {
    const app = await limitedApp({ dials: { user: { perSecond: 0.05, burst: 1 } } });
    await fleet.makeUser(app, 'bob');
    const alice = await phones.connect(app, 'alice');
    const call = await alice.center.call(['bob']);
    await expect(call.hangUp()).resolves.toBeUndefined();
    const began = Date.now();
    await expect(alice.center.call(['bob'])).rejects.toMatchObject({ code: 'rate_limited' });
    expect(Date.now() - began).toBeLessThan(5000);
  });

  test('sockets beyond the share are told to come again later', async () => {
    const app = await limitedApp({ sockets: { user: { perSecond: 0.05, burst: 2 } } });
    const token = await fleet.tokenOf(app, 'alice');
    const open = async (deviceId: string) => {
      const socket = await RawSocket.open(fleet);
      socket.send({ type: 'connect', id: 'c', appId: app.appId, userAlias: 'alice', deviceId, token });
      return socket;
    };
    for (const deviceId of ['one', 'two']) await (await open(deviceId)).frame('connected');
    const third = await open('three');
    const { error } = await third.frame('error', ({ id }) => id === 'c');
    expect([error.code, (error.retryAfterSeconds ?? 0) > 0, await third.closed()]).toEqual(['rate_limited', true, 1013]);
  });
});

test('of two thousand wrong tokens few are looked at, the fleet serves meanwhile, and who was in from there comes in', async () => {
  const app = await fleet.makeApp();
  const from = '127.0.0.9';
  expect((await ask('/v1/calls', app.key, { from })).status).toBe(200);
  const codes = new Map<string, number>();
  const waits: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    const wrong = Array.from({ length: 250 }, (_, n) => ask('/v1/calls', `wrong.token.${round}-${n}`, { from }));
    const began = performance.now();
    expect((await ask('/v1/calls', app.key)).status).toBe(200);
    waits.push(performance.now() - began);
    for (const { body } of await Promise.all(wrong)) codes.set(body.code ?? '', (codes.get(body.code ?? '') ?? 0) + 1);
  }
  // Five hundred at once, twenty a second, and an eighth more where both gateways hear of some.
  expect(codes.get('unauthenticated')).toBeLessThan(1200);
  expect(codes.get('rate_limited')).toBe(2000 - (codes.get('unauthenticated') ?? 0));
  expect(Math.max(...waits)).toBeLessThan(3000);
  expect((await ask('/v1/calls', app.key, { from })).status).toBe(200);
  // While they were held back some could fail again.
  const more = await Promise.all(Array.from({ length: 100 }, (_, n) => ask('/v1/calls', `another.wrong.${n}`, { from })));
  expect(more.filter(({ body }) => body.code === 'rate_limited').length).toBeGreaterThan(20);
});
