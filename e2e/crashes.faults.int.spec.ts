/*
 * Any one service may be killed (-9) during a ring, and the broker may go away: the call still ends as its people end it,
 * the store holds each version once, and nobody is told twice under different ids.
 */
import type { EndpointView, Presence, Problem } from '@communication-center/contracts';
import {
  endOf,
  eventually,
  FlakyLine,
  Fleet,
  holds,
  type Phone,
  Phones,
  ringOf,
  serviceNames,
  type TestApp,
  WebhookReceiver,
} from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let app: TestApp;
let receiver: WebhookReceiver;

beforeEach(async () => {
  app = await fleet.makeApp();
  receiver = await WebhookReceiver.start();
  const endpoint = await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, { url: receiver.url });
  receiver.secret = endpoint.body.secret ?? '';
});

afterEach(async () => {
  phones.closeAll();
  await receiver.stop();
});

/** @param senderKilled whether the webhooks service itself was killed: only then may a delivery come again, under its id. */
async function expectToldOnce(callId: string, { senderKilled = false } = {}): Promise<void> {
  const stored = await fleet.query<{ version: number; type: string }>(
    'calls',
    'SELECT version, type FROM events WHERE call_id = $1 ORDER BY version',
    [callId],
  );
  expect(stored.map(({ version }) => version)).toEqual(stored.map((_, index) => index + 1));
  expect(stored.at(-1)?.type).toBe('call.ended');
  expect(stored.filter(({ type }) => type === 'call.ended')).toHaveLength(1);
  const ofCall = () => receiver.received.filter(({ body }) => body.data.callId === callId);
  await eventually('every webhook', () => new Set(ofCall().map(({ id }) => id)).size >= stored.length, 60_000);
  // A sender that is killed between sending and noting it sends again, under the same id: by that its receiver knows the repeat.
  const told = senderKilled ? [...new Map(ofCall().map((one) => [one.id, one])).values()] : ofCall();
  const sequences = told.map(({ body }) => body.data.sequence).sort((one, other) => one - other);
  expect(sequences).toEqual(stored.map(({ version }) => version));
}

const killedAlone = ['calls', 'gateway'];
const others = serviceNames.filter((name) => !killedAlone.includes(name));
const killedTogether = [...killedAlone.map((name) => [name]), others];

describe.each(killedTogether.map((killed) => ({ killed, names: killed.join(' and ') })))('$names killed during a ring', ({ killed }) => {
  test('and the call is answered and hung up all the same, on both sides', async () => {
    const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
    const call = await alice.center.call(['bob']);
    const ring = await ringOf(bob);
    await Promise.all(killed.map((service) => fleet.killAndAwait(service)));
    expect(call.phase).toBe('dialing');
    await ring.answer();
    await eventually('the caller being connected', () => call.phase === 'connected', 20_000);
    await ring.hangUp();
    expect([await endOf(call, 20_000), await endOf(ring, 20_000)]).toEqual(['hung_up', 'hung_up']);
    await expectToldOnce(call.callId, { senderKilled: killed.includes('webhooks') });
    expect(bob.incoming).toHaveLength(1);
  });
});

test('a ring times out though the calls service is killed while it rings', async () => {
  const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
  const call = await alice.center.call(['bob'], { ringSeconds: 5 });
  const ring = await ringOf(bob);
  await fleet.killAndAwait('calls');
  expect([await endOf(call, 30_000), await endOf(ring, 30_000)]).toEqual(['no_answer', 'no_answer']);
  await expectToldOnce(call.callId);
});

test('a gateway that is told to stop sends its clients away, and the call under way goes on', async () => {
  // Each has a load balancer in front: first it leads to the one that stops, then to the other.
  const doors = fleet.replicasOf('gateway').map((replica) => `http://127.0.0.1:${fleet.state.ports[replica]}`);
  const lines = [await FlakyLine.open(doors), await FlakyLine.open(doors)] as const;
  const connect = async (name: string, { url }: FlakyLine) => phones.connect(app, name, { url, token: await fleet.tokenOf(app, name) });
  const [alice, bob] = [await connect('alice', lines[0]), await connect('bob', lines[1])];
  const call = await alice.center.call(['bob']);
  const ring = await ringOf(bob);
  await ring.answer();
  await eventually('both being connected', () => call.phase === 'connected' && ring.phase === 'connected');
  const states: string[] = [];
  bob.center.on('connection', (state) => states.push(state));
  const before = await fleet.statusOf('gateway');
  // An endpoint's making is answered after 0.6 s.
  const made = fleet.rest('POST', '/v1/webhook-endpoints', (await fleet.makeApp()).key, { url: receiver.url });
  await new Promise((resolve) => setTimeout(resolve, 100));
  await fleet.control('gateway', 'drain');
  await eventually('the client being sent away and back', () => states.at(-1) === 'connected', 30_000);
  expect(states).toEqual(['reconnecting', 'connected']);
  expect([call.phase, ring.phase]).toEqual(['connected', 'connected']);
  const closed = () =>
    fleet.query(
      'gateway',
      "SELECT 1 FROM (SELECT event FROM outbox UNION ALL SELECT event FROM sent) AS told WHERE event->'data'->>'reason' = 'gateway_drained' AND event->>'appid' = $1",
      [app.appId],
    );
  await eventually('their sessions being closed for that reason', async () => (await closed()).length > 0);
  await call.hangUp();
  await endOf(ring);
  await expectToldOnce(call.callId);
  phones.closeAll();
  for (const line of lines) await line.close();
  expect((await made).status, 'a request in hand is answered').toBe(201);
  await eventually('another gateway being started', async () => (await fleet.statusOf('gateway'))?.pid !== before?.pid, 30_000);
  await fleet.ready('gateway');
});

test('an answer that is sent while the calls service is down arrives when it is back', async () => {
  const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
  const call = await alice.center.call(['bob']);
  const ring = await ringOf(bob);
  await fleet.control('calls', 'kill');
  await ring.answer();
  await eventually('the caller being connected', () => call.phase === 'connected', 20_000);
  await call.hangUp();
  await endOf(ring);
  await fleet.ready('calls');
});

test('the brokers are away: running calls can be answered and ended, new dials are refused, presence stands, and all is told afterwards', async () => {
  const names = ['alice', 'bob', 'carol', 'dave', 'erin'];
  const all = await Promise.all(names.map((name) => phones.connect(app, name)));
  const [alice, bob, carol, dave, erin] = all as [Phone, Phone, Phone, Phone, Phone];
  const presenceOf = async (userAlias: string) => (await fleet.rest<Presence>('GET', `/v1/presence/${userAlias}`, app.key)).body;
  const earlier = await carol.center.call(['dave']);
  await (await ringOf(dave)).answer();
  await eventually('dave being in a call', async () => (await presenceOf('dave')).calls[0]?.state === 'connected');
  const call = await alice.center.call(['bob']);
  const ring = await ringOf(bob);
  await fleet.controlBrokers('stop');
  // Whatever is found here, the tests that follow need brokers.
  onTestFinished(() => fleet.controlBrokers('start'));
  await ring.answer();
  const why = 'Events cannot be published now, so nobody would ring: try again shortly';
  let refusedSince = Number.POSITIVE_INFINITY;
  await eventually(
    'new dials being refused',
    async () => {
      const refused = await erin.center.call(['alice']).then(
        () => undefined,
        (error: { message: string }) => error,
      );
      refusedSince = refused?.message === why ? Math.min(refusedSince, Date.now()) : Number.POSITIVE_INFINITY;
      // A socket may send twenty frames a second.
      await new Promise((resolve) => setTimeout(resolve, 100));
      // Each replica looks for itself, every 250 ms.
      return Date.now() - refusedSince > 500;
    },
    18_000,
  );
  const from = Date.now();
  await expect(erin.center.call(['alice'])).rejects.toMatchObject({ code: 'service_unavailable', message: why });
  expect(Date.now() - from, 'a refusal is not waited for').toBeLessThan(2000);
  const byRest = await fleet.rest<Problem>('POST', '/v1/calls', app.key, { userAlias: 'erin', callees: ['alice'] });
  expect([byRest.status, byRest.body]).toEqual([503, expect.objectContaining({ code: 'service_unavailable', detail: why })]);
  expect(byRest.body.undecided).toBeUndefined();
  const { outbox } = (await fleet.readinessOf('calls')).details as { outbox: { oldestMs: number; rows: number } };
  expect([outbox.oldestMs > 5000, outbox.rows > 0], 'readiness tells of the outbox').toEqual([true, true]);
  await eventually(
    'a consumer that waits for the brokers being told',
    async () => Array.isArray((await fleet.readinessOf('presence')).details.consumers?.waiting),
    20_000,
  );
  for (const service of serviceNames) expect([service, (await fleet.readinessOf(service)).status], 'is in service').toEqual([service, 200]);
  expect((await presenceOf('dave')).status).toBe('busy');
  await earlier.hangUp();
  await fleet.controlBrokers('start');
  await eventually('the caller hearing of the answer', () => call.phase === 'connected', 45_000);
  await ring.hangUp();
  await Promise.all([endOf(call, 30_000), endOf(ring, 30_000)]);
  await expectToldOnce(call.callId);
  const nobodyIsBusy = async () =>
    (await Promise.all(names.map(async (name) => (await presenceOf(name)).status))).every((status) => status === 'online');
  await eventually('nobody being busy', nobodyIsBusy, 30_000);
  const before = await presenceOf('dave');
  await fleet.rebuild('presence', 'who-is-where');
  await holds('the version standing still over a rebuild', async () => (await presenceOf('dave')).version === before.version, 1000);
  for (const service of serviceNames) await fleet.ready(service);
}, 180_000);
