/*
 * What services have for each other alone is asked of the running fleet in the name of each service, with that service's own key: those
 * that the registry lets ask get an answer, every other one is refused, and a key of one service opens nothing in another's name.
 */
import { type InternalEndpoint, internal } from '@communication-center/contracts/internal';
import { callersOf, services } from '@communication-center/contracts/services';
import { Fleet } from '@communication-center/testing';
import { describe, expect, test } from 'vitest';
import { Identity } from './identity.js';

const fleet = new Fleet();
const { privateKeys, jwks } = fleet.state.secrets;
const running = services.filter(({ name }) => privateKeys[name] !== undefined).map(({ name }) => name);
const identityOf = (name: string, key = privateKeys[name]) =>
  new Identity(name, key as Record<string, unknown>, jwks as { keys: Record<string, unknown>[] });

/** Names nothing that exists, so that nothing is done. */
async function ask({ service, method, path }: InternalEndpoint, token: string | undefined): Promise<number> {
  const place = path.replace(/:(\w+)/g, (_, name: string) => (name === 'callId' ? crypto.randomUUID() : 'no-such-one'));
  const response = await fetch(`${fleet.urlOf(service)}${place}`, {
    method,
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...(method === 'POST' && { 'content-type': 'application/json' }) },
    ...(method === 'POST' && { body: '{}' }),
    signal: AbortSignal.timeout(10_000),
  });
  await response.body?.cancel();
  return response.status;
}

describe.each(Object.entries(internal))('%s', (_name, endpoint) => {
  test('answers the services that the registry lets ask it, and refuses every other one', async () => {
    const answers = await Promise.all(
      running.map(async (name) => [name, await ask(endpoint, await identityOf(name).sign(endpoint.service))] as const),
    );
    const refused = answers.filter(([, status]) => status === 403).map(([name]) => name);
    expect(refused).toEqual(running.filter((name) => !callersOf(endpoint).includes(name)));
    for (const [name, status] of answers) expect([200, 400, 403, 404], `${name}: ${status}`).toContain(status);
  });

  test('is for nobody without a token, whom the gateway speaks for, or with the key of another', async () => {
    const [caller = ''] = callersOf(endpoint);
    const stranger = running.find((name) => name !== caller && !callersOf(endpoint).includes(name)) ?? '';
    expect(await ask(endpoint, undefined)).toBe(401);
    expect(await ask(endpoint, await identityOf(caller, privateKeys[stranger]).sign(endpoint.service))).toBe(401);
    for (const kind of ['operator', 'nobody'] as const) {
      const status = await ask(endpoint, await identityOf('gateway').sign(endpoint.service, { kind }));
      expect(status).toBe(kind === 'nobody' ? 401 : 403);
    }
  });
});
