/*
 * Everyone who should know is told: integrators by webhooks, CTI systems by presence, absent people by e-mail.
 */
import type { DeliveryView, EndpointView, Presence } from '@communication-center/contracts';
import { endOf, eventually, Fleet, Phones, ringOf, type TestApp, WebhookReceiver } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp();
});

afterEach(() => phones.closeAll());

describe('webhooks', () => {
  let receiver: WebhookReceiver;
  let endpoint: EndpointView;

  beforeEach(async () => {
    receiver = await WebhookReceiver.start();
    endpoint = (await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, { url: receiver.url })).body;
    receiver.secret = endpoint.secret ?? '';
  });

  afterEach(() => receiver.stop());

  test('every event of a call is delivered once, signed, in order, with what happened', async () => {
    const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
    const call = await alice.center.call(['bob']);
    await (await ringOf(bob)).answer();
    await call.hangUp();
    await endOf(call);
    const { events } = await alice.center.timeline(call.callId);
    await eventually('all deliveries', () => receiver.received.length === events.length);
    expect(receiver.received.map(({ body }) => body.data.sequence)).toEqual(events.map(({ sequence }) => sequence));
    expect(receiver.received.map(({ body }) => body.type)).toEqual(events.map(({ type }) => type));
    expect(receiver.received[0]?.body.data).toMatchObject({ appId: app.appId, callId: call.callId, initiator: 'alice', callees: ['bob'] });
    expect(receiver.badSignatures).toEqual([]);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(events.length);
  });

  test('a delivery that fails is tried again, with the same id, and its attempts are on record', async () => {
    receiver.statuses.push(500, 503);
    await fleet.makeUser(app, 'bob');
    const alice = await phones.connect(app, 'alice');
    const call = await alice.center.call(['bob']);
    await eventually('the delivery after two failures', () => receiver.received.find(({ body }) => body.type === 'call.dialed'), 15_000);
    const { body } = await fleet.rest<{ deliveries: DeliveryView[] }>(
      'GET',
      `/v1/webhook-deliveries?endpointId=${endpoint.endpointId}`,
      app.key,
    );
    const dialed = body.deliveries.find(({ eventType }) => eventType === 'call.dialed');
    expect(dialed).toMatchObject({ state: 'delivered', nextAttemptAt: null });
    expect(dialed?.attempts.map(({ status }) => status)).toEqual([500, 503, 204]);
    await call.hangUp();
  });

  test('an endpoint that answers 410 Gone is disabled, and says why', async () => {
    receiver.statuses.push(410);
    await fleet.makeUser(app, 'bob');
    const alice = await phones.connect(app, 'alice');
    await (await alice.center.call(['bob'])).hangUp();
    const disabled = await eventually('the endpoint being disabled', async () => {
      const { body } = await fleet.rest<{ endpoints: EndpointView[] }>('GET', '/v1/webhook-endpoints', app.key);
      return body.endpoints.find(({ disabledAt }) => disabledAt !== null);
    });
    expect(disabled.disabledReason).toContain('410');
  });
});

describe('presence', () => {
  const presenceOf = async (userAlias: string) =>
    (await fleet.rest<Presence>('GET', `/v1/presence/${encodeURIComponent(userAlias)}`, app.key)).body;
  const becomes = (userAlias: string, check: (presence: Presence) => boolean, timeoutMs?: number) =>
    eventually(
      `the presence of ${userAlias}`,
      async () => {
        const presence = await presenceOf(userAlias);
        return check(presence) && presence;
      },
      timeoutMs,
    );

  test('says offline, online and busy, with whom and on which device', async () => {
    await fleet.makeUser(app, 'bob');
    await becomes('bob', ({ status }) => status === 'offline');
    const alice = await phones.connect(app, 'alice', { deviceId: 'alice-desk' });
    const bob = await phones.connect(app, 'bob', { deviceId: 'bob-phone', platform: 'ios' });
    await phones.connect(app, 'bob', { deviceId: 'bob-tablet' });
    const online = await becomes('bob', ({ status, devices }) => status === 'online' && devices.length === 2);
    const call = await alice.center.call(['bob']);
    const ringing = await becomes('bob', ({ status }) => status === 'busy');
    expect(ringing.calls).toEqual([{ callId: call.callId, state: 'ringing', with: ['alice'], deviceId: null, direction: 'incoming' }]);
    expect((await becomes('alice', ({ status }) => status === 'busy')).calls[0]).toMatchObject({
      state: 'dialing',
      deviceId: 'alice-desk',
    });
    await (await ringOf(bob)).answer();
    const busy = await becomes('bob', ({ calls }) => calls[0]?.state === 'connected');
    expect(busy.calls).toEqual([
      { callId: call.callId, state: 'connected', with: ['alice'], deviceId: 'bob-phone', direction: 'incoming' },
    ]);
    expect(busy.devices.find(({ deviceId }) => deviceId === 'bob-phone')).toMatchObject({ status: 'busy', platform: 'ios' });
    expect(busy.devices.find(({ deviceId }) => deviceId === 'bob-tablet')?.status).toBe('online');
    expect(busy.version).toBeGreaterThan(online.version);
    await call.hangUp();
    await becomes('bob', ({ status }) => status === 'online');
    phones.closeAll();
    const gone = await becomes('bob', ({ status }) => status === 'offline');
    expect(gone.devices.map(({ deviceId, status }) => [deviceId, status]).sort()).toEqual([
      ['bob-phone', 'offline'],
      ['bob-tablet', 'offline'],
    ]);
    expect(gone.lastSeenAt).toBe(gone.devices[0]?.since);
  });

  test('of somebody who does not exist is unknown_user', async () => {
    const { status, body } = await fleet.rest('GET', '/v1/presence/nobody%2Fat%20all', app.key);
    expect([status, body.code]).toEqual([404, 'unknown_user']);
  });
});
