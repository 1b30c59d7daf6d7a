/*
 * Phone systems follow presence in the way they already speak: busy-lamp fields and PIDF over UDP and TCP, with sipp as the phone.
 */
import type { SipAccountView } from '@communication-center/contracts';
import { eventually, Fleet, Phones, ringOf, SipPhone, type TestApp } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let app: TestApp;
let password: string;
/** sipp reads the first challenge alone, and knows MD5 alone. */
const asSipp = { algorithms: ['MD5', 'SHA-256'] };

beforeEach(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
  const made = await fleet.rest<SipAccountView>('PUT', `/v1/apps/${app.appId}/sip-accounts/desk`, app.key, asSipp);
  password = made.body.password ?? '';
});

afterEach(() => phones.closeAll());

const phoneOf = (more: Partial<Parameters<typeof SipPhone.start>[0]>) =>
  SipPhone.start({
    center: `127.0.0.1:${fleet.state.ports.sip}`,
    transport: 'udp',
    target: `sip:bob@${app.appId}`,
    package: 'dialog',
    realm: app.appId,
    username: 'desk',
    password,
    ...more,
  });

const becomes = (userAlias: string, status: string) =>
  eventually(`${userAlias} being ${status}`, async () => {
    const { body } = await fleet.rest('GET', `/v1/presence/${encodeURIComponent(userAlias)}`, app.key);
    return body.status === status && Number(body.version) > 0;
  });

test.each(['udp', 'tcp'] as const)(
  'a busy lamp over %s is dark, blinks, is lit, and goes dark again',
  async (transport) => {
    const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob', { deviceId: 'bob-desk' })];
    await becomes('bob', 'online');
    const lamp = await phoneOf({ transport, notifies: 4 });
    const dark = await lamp.notify(1);
    expect(dark).toContain('Subscription-State: active;expires=');
    expect(dark).toContain(`entity="sip:bob@${app.appId}"></dialog-info>`);
    await phones.connect(app, 'bob', { deviceId: 'bob-sofa' });
    await eventually('a second device, of which a lamp shows nothing', async () => {
      const { body } = await fleet.rest('GET', '/v1/presence/bob', app.key);
      return (body.devices as unknown[]).length === 2;
    });
    const call = await alice.center.call(['bob']);
    const blinking = await lamp.notify(2);
    expect(blinking).toContain('direction="recipient"><state>early</state>');
    expect(blinking).toContain(`<remote><identity>sip:alice@${app.appId}</identity></remote>`);
    await (await ringOf(bob)).answer();
    expect(await lamp.notify(3)).toContain('direction="recipient"><state>confirmed</state>');
    await call.hangUp();
    expect(await lamp.notify(4)).toContain('direction="recipient"><state>terminated</state>');
    const last = await lamp.notify(5);
    expect(last).toContain('Subscription-State: terminated;reason=timeout');
    expect(last).toContain('></dialog-info>');
    const versions = lamp.notifies.map((text) => Number(/<dialog-info [^>]*version="(\d+)"/.exec(text)?.[1]));
    expect(versions).toEqual([0, 1, 2, 3, 4]);
    expect(await lamp.ended()).toBe('');
  },
  60_000,
);

test('presence is told as PIDF, with each device and what the user is busy with', async () => {
  await fleet.makeUser(app, 'Zoë/7');
  await becomes('Zoë/7', 'offline');
  const phone = await phoneOf({ package: 'presence', target: `sip:Zo%C3%AB%2F7@${app.appId}.sip.example.com`, notifies: 3 });
  expect(await phone.notify(1)).toContain('<basic>closed</basic>');
  const zoe = await phones.connect(app, 'Zoë/7', { deviceId: 'desk' });
  expect(await phone.notify(2)).toContain('<tuple id="device-desk"><status><basic>open</basic></status></tuple>');
  await zoe.center.setAway(true);
  expect(await phone.notify(3)).toContain('<rpid:away/>');
  expect(await phone.ended()).toBe('');
}, 60_000);

test('a wrong password, a user who does not exist, another wish and a hasty one are refused by name', async () => {
  await fleet.makeUser(app, 'bob');
  await becomes('bob', 'offline');
  const other = await fleet.makeApp();
  const foreign = await fleet.rest<SipAccountView>('PUT', `/v1/apps/${other.appId}/sip-accounts/desk`, other.key, asSipp);
  const refused = [
    phoneOf({ password: 'wrong', refusal: 401 }),
    // Another app's account opens nothing here.
    phoneOf({ password: foreign.body.password ?? '', refusal: 401 }),
    phoneOf({ target: `sip:nobody@${app.appId}`, refusal: 404 }),
    phoneOf({ package: 'message-summary', refusal: 489 }),
    phoneOf({ expires: 5, refusal: 423 }),
  ];
  expect(await Promise.all(refused.map(async (phone) => (await phone).ended()))).toEqual(['', '', '', '', '']);
}, 60_000);

test('a subscription outlives the death (-9) of the gateway that took it', async () => {
  const bob = await phones.connect(app, 'bob');
  await becomes('bob', 'online');
  const phone = await phoneOf({ package: 'presence', notifies: 3 });
  await phone.notify(1);
  await fleet.killAndAwait('sip');
  // The successor says once where bob is, and goes on from there.
  await phone.notify(2, 20_000);
  bob.center.close();
  expect(await phone.notify(3, 20_000)).toContain('<tuple id="user"><status><basic>closed</basic>');
  expect(await phone.ended()).toBe('');
}, 90_000);

test('somebody who is deleted while the gateway is away is told to be gone when it is back', async () => {
  await fleet.makeUser(app, 'bob');
  await becomes('bob', 'offline');
  const lamp = await phoneOf({ notifies: 2 });
  await lamp.notify(1);
  await fleet.control('sip', 'stop');
  expect((await fleet.rest('DELETE', '/v1/users/bob', app.key)).status).toBe(204);
  await eventually('bob being gone', async () => (await fleet.rest('GET', '/v1/presence/bob', app.key)).status === 404);
  await fleet.control('sip', 'start');
  expect(await lamp.notify(2, 30_000)).toContain('Subscription-State: terminated;reason=noresource');
  await lamp.ended();
}, 90_000);

test.each([
  ['is deleted', 'DELETE'],
  ['gets another password', 'PUT'],
])(
  'with an account that %s its subscriptions end at once',
  async (_what, method) => {
    await fleet.makeUser(app, 'bob');
    await becomes('bob', 'offline');
    const lamp = await phoneOf({ notifies: 2 });
    expect(await lamp.notify(1)).toContain('Subscription-State: active;expires=');
    expect((await fleet.rest(method, `/v1/apps/${app.appId}/sip-accounts/desk`, app.key)).status).toBeLessThan(300);
    expect(await lamp.notify(2, 3000)).toContain('Subscription-State: terminated;reason=deactivated');
    await lamp.ended();
  },
  60_000,
);
