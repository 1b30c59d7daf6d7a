/*
 * Two processes of a service with different keys, as while keys are rotated: here a directory that seals with the next key, beside those
 * that do not have it yet, since a step was left out. What it makes is refused there as something that cannot be said now, to nobody but
 * those whom it concerns, and is good wherever the key is. Nothing that a missing key hides is taken for a wrong credential.
 */
import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import type { AppSecretView, Problem } from '@communication-center/contracts';
import { eventually, Fleet, RawSocket, type TestApp } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signed } from './roles/askers.js';
import { type ServiceKey, signedAs } from './roles/sign.js';

const fleet = new Fleet();
const secrets = fleet.state.secrets as unknown as {
  operatorKey: string;
  secretsKey: string;
  jwks: object;
  privateKeys: Record<string, ServiceKey>;
};
let app: TestApp;
/** Where the directory answers that has the next key, and what ends it. */
let next: { url: string; stop: () => Promise<void> };
/** Made there. */
let secret: AppSecretView;

beforeAll(async () => {
  app = await fleet.makeApp();
  next = await startDirectory(`next:${randomBytes(32).toString('base64')},${secrets.secretsKey}`);
  const made = await askNext('POST', `/v1/apps/${app.appId}/secrets`, { kind: 'operator' });
  secret = made.body as AppSecretView;
  expect(made.status).toBe(201);
});

afterAll(async () => {
  // Sealed with a key that nobody has any more.
  await fleet.query('directory', 'DELETE FROM app_secrets WHERE kid = $1', [secret.kid]);
  await next.stop();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function startDirectory(secretsKey: string): Promise<{ url: string; stop: () => Promise<void> }> {
  const port = await freePort();
  const child = spawn(process.execPath, [resolve(import.meta.dirname, '../apps/directory/dist/main.js')], {
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      PROFILE: 'development',
      MIGRATE: 'false',
      PORT: String(port),
      DATABASE_URL: fleet.state.servers.database,
      KAFKA_BROKERS: fleet.state.servers.brokers,
      IDENTITY_PRIVATE_JWK: JSON.stringify(secrets.privateKeys.directory),
      IDENTITY_PUBLIC_JWKS: JSON.stringify(secrets.jwks),
      PRESENCE_URL: fleet.urlOf('presence'),
      OPERATOR_KEY: secrets.operatorKey,
      SECRETS_KEY: secretsKey,
    },
  });
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  await eventually('one more directory', async () => (await fetch(`${url}/health/ready`)).ok, 30_000);
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { url, stop };
}

/** Says to the directory who asks, as the gateway does. */
function identity(subject: object, by: ServiceKey = secrets.privateKeys.gateway as ServiceKey): string {
  const now = Math.floor(Date.now() / 1000);
  return `Bearer ${signedAs(by, { subject, iss: 'gateway', aud: 'directory', iat: now, exp: now + 30 })}`;
}

async function ask(
  url: string,
  authorization: string,
  method: string,
  path: string,
  body: object,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  return { status: response.status, body: await response.json() };
}

const askNext = (method: string, path: string, subject: object, body: object = {}) => ask(next.url, identity(subject), method, path, body);
const asGateway = { kind: 'service', service: 'gateway' };
const codeOf = (answer: { body: unknown }) => (answer.body as Problem).code;

test('a token under a secret that only the other process can open is told to be asked again, at every door, and is good there', async () => {
  const [old, fresh] = [signed('ann', app.secret), signed('ann', secret)];
  expect((await fleet.rest('GET', '/v1/users/ann', old)).status).toBe(200);
  const refused = await fleet.rest<Problem>('GET', '/v1/users/ann', fresh);
  expect([refused.status, refused.body.code]).toEqual([503, 'service_unavailable']);
  // Many at once are asked for in one request: the others of it are let in.
  const sockets = await Promise.all(Array.from({ length: 12 }, () => RawSocket.open(fleet)));
  for (const [index, socket] of sockets.entries())
    socket.send({
      type: 'connect',
      id: 'c',
      appId: app.appId,
      userAlias: 'ann',
      deviceId: `d-${index}`,
      token: index % 3 === 0 ? fresh : old,
    });
  for (const [index, socket] of sockets.entries()) {
    if (index % 3 === 0) expect((await socket.frame('error')).error.code).toBe('service_unavailable');
    else await socket.frame('connected');
  }
  for (const socket of sockets) socket.close();
  // Nothing is lost: whoever has the keys believes both.
  for (const credential of [old, fresh]) {
    const answer = await askNext('POST', '/internal/authenticate', asGateway, { credential, appId: app.appId });
    expect([answer.status, answer.body]).toMatchObject([200, { kind: 'user', userAlias: 'ann' }]);
  }
});

test('whoever is spoken for under a key of the gateway that is not known yet is not told that a credential were wrong', async () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const gateway2 = { ...privateKey.export({ format: 'jwk' }), kid: 'gateway-2' } as ServiceKey;
  const asking = { credential: app.key };
  for (const url of [next.url, fleet.urlOf('directory')]) {
    const early = await ask(url, identity(asGateway, gateway2), 'POST', '/internal/authenticate', asking);
    expect([early.status, early.body]).toMatchObject([503, { code: 'service_unavailable', undecided: true }]);
    const known = await ask(url, identity(asGateway), 'POST', '/internal/authenticate', asking);
    expect(known.status).toBe(200);
    // What only takes such a name is no service's.
    const made = await ask(
      url,
      identity(asGateway, { ...gateway2, kid: secrets.privateKeys.gateway?.kid ?? '' }),
      'POST',
      '/internal/authenticate',
      asking,
    );
    expect([made.status, codeOf(made)]).toEqual([401, 'unauthenticated']);
  }
});
