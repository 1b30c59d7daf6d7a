/*
 * What the log lacks, nobody folds over: a call of which the topic lost an event is told whole to every consumer. What has
 * ended in a compacted topic has ended, though all but the tombstone is gone. And what cannot be handled holds up its own key.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import type { AnyEvent, EndpointView, Presence } from '@communication-center/contracts';
import { EventLog, toMessage } from '@communication-center/event-log';
import { endOf, eventually, Fleet, Phones, RawSocket, ringOf, type TestApp, WebhookReceiver } from '@communication-center/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
const log = new EventLog({ brokers: [fleet.state.servers.brokers], clientId: 'log-faults' });
const producer = log.producer();
let app: TestApp;

beforeAll(() => producer.connect());
afterAll(() => producer.disconnect());
beforeEach(async () => {
  app = await fleet.makeApp();
});
afterEach(() => phones.closeAll());

/** Puts messages into a topic, past every outbox. */
async function tell(topic: string, messages: readonly { key: string; event: AnyEvent | null }[]): Promise<void> {
  const sent = () => producer.send({ topic, acks: -1, messages: messages.map(({ key, event }) => toMessage(key, event)) });
  await eventually(
    'the brokers taking the events',
    () =>
      sent().then(
        () => true,
        () => false,
      ),
    30_000,
  );
}

interface EventRow {
  version: number;
  type: string;
  occurred_at: Date;
  data: Record<string, unknown>;
}

/** Writes a call into the store that went as another did, and tells nobody. @returns its events. */
async function copyOf(callId: string): Promise<AnyEvent[]> {
  const copy = randomUUID();
  await fleet.query(
    'calls',
    `INSERT INTO events (call_id, version, event_id, app_id, type, occurred_at, dataversion, data)
     SELECT $2, version, gen_random_uuid(), app_id, type, occurred_at, dataversion, data FROM events WHERE call_id = $1`,
    [callId, copy],
  );
  const rows = await fleet.query<EventRow & { event_id: string }>('calls', 'SELECT * FROM events WHERE call_id = $1 ORDER BY version', [
    copy,
  ]);
  return rows.map(
    ({ version, event_id, type, occurred_at, data }) =>
      ({
        specversion: '1.0',
        id: event_id,
        source: '/calls',
        type,
        time: new Date(occurred_at).toISOString(),
        subject: copy,
        callid: copy,
        appid: app.appId,
        sequence: version,
        dataversion: 1,
        data,
      }) as unknown as AnyEvent,
  );
}

test('a call of which the topic lacks an event is told whole, in order, to sockets, presence, history and webhooks', async () => {
  const receiver = await WebhookReceiver.start();
  const endpoint = await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, { url: receiver.url });
  receiver.secret = endpoint.body.secret ?? '';
  const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
  const call = await alice.center.call(['bob']);
  await (await ringOf(bob)).answer();
  await call.hangUp();
  await endOf(call);
  const listener = await RawSocket.open(fleet);
  const token = await fleet.tokenOf(app, 'bob');
  listener.send({ type: 'connect', id: 1, appId: app.appId, userAlias: 'bob', deviceId: 'listener', token });
  await listener.frame('connected');
  const events = await copyOf(call.callId);
  const copy = events[0]?.subject as string;
  const told = events.filter(({ sequence }) => sequence !== 2);
  for (const event of told) await tell('calls.events', [{ key: copy, event }]);
  const whole = events.map(({ sequence }) => sequence);
  const heard = () =>
    listener.frames.flatMap((frame) => (frame.type === 'event' && frame.event.callid === copy ? [frame.event.sequence] : []));
  await eventually('the socket having heard all', () => heard().length === whole.length);
  expect(heard()).toEqual(whole);
  const delivered = () => receiver.received.filter(({ body }) => body.data.callId === copy).map(({ body }) => body.data.sequence);
  await eventually('all deliveries', () => delivered().length === whole.length);
  expect(delivered()).toEqual(whole);
  for (const [service, table] of [
    ['calls', 'call_history'],
    ['presence', 'current_calls'],
  ] as const) {
    const rows = () => fleet.query<{ sequence: number }>(service, `SELECT sequence FROM ${table} WHERE call_id = $1`, [copy]);
    await eventually(`${table} having all`, async () => (await rows())[0]?.sequence === whole.length);
  }
  listener.close();
  await receiver.stop();
});

describe('a key of which only the tombstone is left', () => {
  const presenceOf = async (userAlias: string) => (await fleet.rest<Presence>('GET', `/v1/presence/${userAlias}`, app.key)).body;

  test('ends a session for good: its user is offline, its call is given the grace, and a late event does not open it again', async () => {
    const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
    const call = await alice.center.call(['bob']);
    await (await ringOf(bob)).answer();
    const row = await eventually('presence knowing the session', async () => {
      const rows = await fleet.query<{ session_id: string; device_id: string; platform: string }>(
        'presence',
        "SELECT * FROM device_sessions WHERE app_id = $1 AND user_alias = 'bob'",
        [app.appId],
      );
      return rows[0];
    });
    const sessionId = row.session_id;
    await tell('sessions.events', [{ key: sessionId, event: null }]);
    await eventually('bob having no device', async () => (await presenceOf('bob')).devices.every(({ status }) => status === 'offline'));
    const graces = () => fleet.query('calls', "SELECT 1 FROM deadlines WHERE call_id = $1 AND kind = 'connection'", [call.callId]);
    await eventually('the grace', async () => (await graces()).length === 1);
    const late = {
      specversion: '1.0',
      id: randomUUID(),
      source: '/gateway',
      type: 'session.opened',
      time: new Date().toISOString(),
      subject: sessionId,
      appid: app.appId,
      sequence: 7,
      dataversion: 1,
      data: { sessionId, userAlias: 'bob', deviceId: row.device_id, platform: row.platform },
    } as AnyEvent;
    // A session nobody knew, whose tombstone came first: its late event opens nothing either.
    const unknown = randomUUID();
    await tell('sessions.events', [
      { key: sessionId, event: late },
      { key: unknown, event: null },
    ]);
    await tell('sessions.events', [
      { key: unknown, event: { ...late, subject: unknown, data: { ...(late.data as object), sessionId: unknown } } as AnyEvent },
    ]);
    for (const service of ['presence', 'calls'] as const) {
      const open = () =>
        fleet.query<{ closed_at: Date | null }>(service, 'SELECT closed_at FROM device_sessions WHERE session_id = ANY($1)', [
          [sessionId, unknown],
        ]);
      await eventually(`${service} knowing both as ended`, async () => (await open()).length === 2);
      expect((await open()).every(({ closed_at }) => closed_at !== null)).toBe(true);
    }
    await call.hangUp();
  });

  test('ends a user: nobody reaches or sees it, until it is made again', async () => {
    await fleet.makeUser(app, 'gone', { email: 'gone@example.com' });
    const contact = () =>
      fleet.query<{ email: string | null }>('notifications', "SELECT email FROM contacts WHERE app_id = $1 AND user_alias = 'gone'", [
        app.appId,
      ]);
    await eventually('the address', async () => (await contact())[0]?.email === 'gone@example.com');
    await eventually('presence knowing it', async () => (await fleet.rest('GET', '/v1/presence/gone', app.key)).status === 200);
    await tell('directory.events', [{ key: `user:${app.appId}/gone`, event: null }]);
    await eventually('the address being erased', async () => (await contact())[0]?.email === null);
    await eventually('presence not knowing it', async () => (await fleet.rest('GET', '/v1/presence/gone', app.key)).status === 404);
    const settings = () =>
      fleet.query<{ deleted: boolean }>('calls', "SELECT deleted FROM user_settings WHERE app_id = $1 AND user_alias = 'gone'", [
        app.appId,
      ]);
    await eventually('calls knowing it as deleted', async () => (await settings())[0]?.deleted);
    await fleet.makeUser(app, 'gone', { email: 'back@example.com' });
    await fleet.makeUser(app, 'gone', { email: 'back@example.com' });
    await eventually('the new address', async () => (await contact())[0]?.email === 'back@example.com');
    await eventually('presence knowing it again', async () => (await fleet.rest('GET', '/v1/presence/gone', app.key)).status === 200);
  });
});

describe('an event that presence cannot handle', () => {
  interface Parked {
    consumerGroup: string;
    topic: string;
    key: string;
    kind: string;
    reason: string;
  }
  const told: string[] = [];
  const operator = fleet.state.secrets.operatorKey;
  const operations = '/v1/operations/presence';
  /** Other services cannot handle it either: nothing of it is left to the tests that follow. */
  afterAll(async () => {
    for (const service of ['calls', 'presence', 'webhooks', 'notifications', 'media']) {
      for (const table of ['parked_events', 'parked_keys']) await fleet.query(service, `DELETE FROM ${table} WHERE key = ANY($1)`, [told]);
    }
  });
  const parkedOf = async (key: string) => {
    const { body } = await fleet.rest<{ parked: Parked[] }>('GET', `${operations}/dead-letters`, operator);
    return body.parked.find((one) => one.key === key);
  };
  const dialed = (callId: string, sequence: number, more: object) => {
    told.push(callId);
    return {
      specversion: '1.0',
      id: randomUUID(),
      source: '/calls',
      type: 'call.dialed',
      time: new Date().toISOString(),
      subject: callId,
      callid: callId,
      appid: app.appId,
      sequence,
      dataversion: 1,
      data: { audience: ['bob'] },
      ...more,
    } as unknown as AnyEvent;
  };

  test('holds up its own call alone, until an operator gives it up', async () => {
    const callId = randomUUID();
    await tell('calls.events', [{ key: callId, event: dialed(callId, 1, {}) }]);
    const parked = await eventually('the key being parked', () => parkedOf(callId));
    expect(parked).toMatchObject({ consumerGroup: 'presence.who-is-where', kind: 'fault' });
    const alice = await phones.connect(app, 'alice');
    await eventually('alice being online', async () => {
      const { body } = await fleet.rest<Presence>('GET', '/v1/presence/alice', app.key);
      return body.status === 'online';
    });
    alice.center.close();
    const name = { group: parked.consumerGroup, topic: parked.topic, key: callId };
    const redriven = await fleet.rest('POST', `${operations}/dead-letters/redrive`, operator, name);
    expect([redriven.status, redriven.body.code]).toEqual([409, 'conflict']);
    expect((await fleet.rest('POST', `${operations}/dead-letters/discard`, app.key, name)).status).toBe(403);
    const discarded = await fleet.rest('POST', `${operations}/dead-letters/discard`, operator, name);
    expect([discarded.status, discarded.body]).toEqual([200, { discarded: 1 }]);
    expect(await parkedOf(callId)).toBeUndefined();
    expect((await fleet.rest('POST', `${operations}/dead-letters/discard`, operator, name)).status).toBe(404);
  });

  test('because a newer release wrote it waits for the upgrade, as no fault', async () => {
    const callId = randomUUID();
    await tell('calls.events', [{ key: callId, event: dialed(callId, 1, { type: 'call.transferred' }) }]);
    expect(await eventually('the key being parked', () => parkedOf(callId))).toMatchObject({ kind: 'newer' });
  });
});

test('a rebuild is begun, followed and told by npm run rebuild', async () => {
  const env = { ...process.env, CENTER_URL: fleet.url, OPERATOR_KEY: fleet.state.secrets.operatorKey };
  const script = new URL('../tools/rebuild.mjs', import.meta.url).pathname;
  const run = (...args: string[]) => promisify(execFile)(process.execPath, [script, ...args], { env });
  const { stdout } = await run('presence', 'who-is-where');
  expect(stdout).toMatch(/who-is-where: rebuilt at .* from \d+ messages/);
  // The rows that were folded anew take the place of the old ones: for that moment the consumer may be paused.
  await eventually('the list telling that its consumer runs', async () =>
    (await run('presence')).stdout.includes('consumer presence.who-is-where: running'),
  );
});
