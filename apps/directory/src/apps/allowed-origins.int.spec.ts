/* Before a credential is seen, the gateway learns whether any app allows an origin; with one, which origins its app allows. */
import { internal } from '@communication-center/contracts/internal';
import { Identity, Replicas, ServiceClient } from '@communication-center/service';
import { Fleet, type TestApp } from '@communication-center/testing';
import { beforeAll, expect, test } from 'vitest';

const fleet = new Fleet();
const origin = `https://${process.pid}-${Date.now()}.example`;
let app: TestApp;
let open: TestApp;
let directory: ServiceClient;

beforeAll(async () => {
  const { privateKeys, jwks } = fleet.state.secrets;
  const identity = new Identity('gateway', privateKeys.gateway as Record<string, unknown>, jwks as { keys: Record<string, unknown>[] });
  directory = new ServiceClient(identity, 'directory', new Replicas([`http://127.0.0.1:${fleet.state.ports.directory}`]));
  app = await fleet.makeApp({ options: { allowedOrigins: [origin] } });
  open = await fleet.makeApp();
});

test('an origin is allowed as soon as an app names it, and as long as one does', async () => {
  const isAllowed = async (of: string) => (await directory.ask(internal.originAllowed, { query: { origin: of } })).isAllowed;
  expect([await isAllowed(origin), await isAllowed(`${origin}.evil.example`), await isAllowed(origin.slice(0, -1))]).toEqual([
    true,
    false,
    false,
  ]);
  const body = { name: 'x', options: { allowedOrigins: [] } };
  expect((await fleet.rest('PUT', `/v1/apps/${app.appId}`, fleet.state.secrets.operatorKey, body)).status).toBe(200);
  expect(await isAllowed(origin)).toBe(false);
});

test('an app’s origins come with its credentials where they are asked for; an app that names none says nothing', async () => {
  const token = await fleet.tokenOf(app, 'alice');
  const told = async (credential: string, withOrigins?: boolean) =>
    (await directory.ask(internal.authenticate, { body: { credential, ...(withOrigins && { withOrigins }) } })).allowedOrigins;
  expect([await told(app.key, true), await told(token, true)]).toEqual([[], []]);
  expect([await told(app.key), await told(open.key, true), await told(fleet.state.secrets.operatorKey, true)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
