import { type CallEvent, type CallState, callEventSchema, callStateSchema, type EndpointView } from '@communication-center/contracts';
import { EventLog, fromMessage, readRange } from '@communication-center/event-log';
import { eventually, type Fleet, type TestApp, WebhookReceiver } from '@communication-center/testing';
import { Redis } from 'ioredis';
import { Chance } from './chance.js';
import { Disturbances } from './disturbances.js';
import type { Evidence } from './evidence.js';
import { SimulatedDevice } from './simulated-device.js';
import { SimulatedUser } from './simulated-user.js';

export interface SimulationOptions {
  seed: number;
  seconds: number;
  users: number;
  devicesPerUser: number;
  disturb: boolean;
  /** How long to wait, at most, for all that happened to reach everyone. */
  patienceMs?: number;
  /** Called with the app before anything happens in it. */
  prepare?: (app: TestApp) => Promise<void>;
}

/** Lets people call each other for a while, and gathers what it left behind. */
export async function simulate(fleet: Fleet, options: SimulationOptions): Promise<Evidence> {
  const chance = new Chance(options.seed);
  const app = await fleet.makeApp({ options: { callWaiting: chance.percent(50), mediaSetupSeconds: 0, maxDurationSeconds: 20 } });
  await options.prepare?.(app);
  const receiver = await WebhookReceiver.start();
  const endpoint = await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, { url: receiver.url });
  receiver.secret = endpoint.body.secret ?? '';
  const redis = new Redis(fleet.state.servers.redis, { lazyConnect: true });
  redis.on('error', () => undefined);
  const people = await gather(fleet, app, chance, options);
  const devices = people.flatMap((person) => person.devices);
  try {
    const end = Date.now() + options.seconds * 1000;
    const over = () => Date.now() > end;
    const log = logOf(fleet);
    const disturbances = new Disturbances(fleet, chance.branch(1000), {
      flush: async () => void (await redis.flushall()),
      copiesInSync: async () => (await log.copiesBehind()) === 0,
    });
    await Promise.all([...people.map((person) => person.live(over)), options.disturb ? disturbances.goOn(over) : undefined]);
    await calmDown(fleet, app, { people, devices, receiver, patienceMs: options.patienceMs ?? 45_000 });
    return { ...(await whatIsLeft(fleet, app)), ...told(receiver), ...seen(devices), disturbed: disturbances.done };
  } finally {
    await Promise.all(devices.map((device) => device.stop()));
    await receiver.stop();
    redis.disconnect();
  }
}

async function gather(fleet: Fleet, app: TestApp, chance: Chance, { users, devicesPerUser }: SimulationOptions): Promise<SimulatedUser[]> {
  const names = Array.from({ length: users }, (_, index) => `user-${index}`);
  for (const name of names) await fleet.makeUser(app, name);
  return Promise.all(
    names.map(async (name, index) => {
      const devices = await Promise.all(
        Array.from({ length: devicesPerUser }, (_, number) => SimulatedDevice.start(fleet, app, name, number)),
      );
      const others = names.filter((other) => other !== name);
      return new SimulatedUser(name, devices, others, chance.branch(index + 1));
    }),
  );
}

/** Everybody leaves; then waits, within reason, until all that happened has reached everyone. What has not by then, never will. */
async function calmDown(
  fleet: Fleet,
  app: TestApp,
  {
    people,
    devices,
    receiver,
    patienceMs,
  }: { people: readonly SimulatedUser[]; devices: readonly SimulatedDevice[]; receiver: WebhookReceiver; patienceMs: number },
): Promise<void> {
  await Promise.all(people.map((person) => person.leave()));
  /** What a device was told last may still be on its way when the call has ended for its user: others talk on. */
  const toldAll = async () => {
    const rows = await fleet.query<{ callId: string; version: number }>(
      'calls',
      'SELECT call_id AS "callId", version FROM calls WHERE app_id = $1',
      [app.appId],
    );
    const versions = new Map(rows.map(({ callId, version }) => [callId, version]));
    return devices.every((device) => device.known.every(({ callId, sequence }) => sequence >= (versions.get(callId) ?? 0)));
  };
  const quiet = async () => {
    const left = await fleet.query('calls', "SELECT 1 FROM calls WHERE app_id = $1 AND status <> 'ended'", [app.appId]);
    const stored = await fleet.query<{ count: number }>('calls', 'SELECT count(*)::int AS count FROM events WHERE app_id = $1', [
      app.appId,
    ]);
    const heard = new Set(receiver.received.map(({ id }) => id)).size;
    const folded = await fleet.query(
      'calls',
      'SELECT 1 FROM calls JOIN call_history USING (call_id) WHERE calls.app_id = $1 AND sequence < version',
      [app.appId],
    );
    const { length } = devices.filter(({ center }) => center.connectionState !== 'connected' || center.activeCalls.length > 0);
    return (
      left.length === 0 &&
      heard >= (stored[0]?.count ?? 0) &&
      folded.length === 0 &&
      length === 0 &&
      (await busyOnes(fleet, app)).length === 0 &&
      (await toldAll())
    );
  };
  await eventually('quiet', quiet, patienceMs).catch(() => undefined);
  // What arrives twice arrives late.
  await new Promise((resolve) => setTimeout(resolve, 1500));
}

async function busyOnes(fleet: Fleet, app: TestApp): Promise<string[]> {
  const rows = await fleet.query<{ call: unknown }>('presence', 'SELECT call FROM current_calls WHERE app_id = $1 AND NOT ended', [
    app.appId,
  ]);
  return rows.flatMap(({ call }) => {
    const { callId, participants } = callStateSchema.parse(call);
    return participants.filter(({ state }) => state !== 'gone').map(({ userAlias }) => `${userAlias} in ${callId}`);
  });
}

type Left = Pick<Evidence, 'log' | 'topic' | 'lines' | 'ringRows' | 'deadlineRows' | 'history' | 'busyByPresence'>;

async function whatIsLeft(fleet: Fleet, app: TestApp): Promise<Left> {
  const rows = <R>(text: string) => fleet.query<R>('calls', text, [app.appId]);
  const stored = await rows<StoredEvent>('SELECT * FROM events WHERE app_id = $1 ORDER BY call_id, version');
  const history = await rows<{ call: CallState }>('SELECT call FROM call_history WHERE app_id = $1');
  return {
    log: stored.map(toEvent),
    topic: await topicOf(fleet, app),
    lines: await rows(
      'SELECT user_alias AS "userAlias", active_call_id AS "callId" FROM lines WHERE app_id = $1 AND active_call_id IS NOT NULL',
    ),
    ringRows: await rows('SELECT user_alias AS "userAlias", call_id AS "callId" FROM rings WHERE app_id = $1'),
    deadlineRows: await rows('SELECT call_id AS "callId", kind FROM deadlines WHERE app_id = $1'),
    history: history.map(({ call }) => call),
    busyByPresence: await busyOnes(fleet, app),
  };
}

interface StoredEvent {
  event_id: string;
  call_id: string;
  version: number;
  app_id: string;
  type: string;
  occurred_at: Date;
  dataversion: number;
  data: unknown;
}

function toEvent(row: StoredEvent): CallEvent {
  return callEventSchema.parse({
    specversion: '1.0',
    id: row.event_id,
    source: '/calls',
    type: row.type,
    time: row.occurred_at.toISOString(),
    subject: row.call_id,
    callid: row.call_id,
    appid: row.app_id,
    sequence: row.version,
    dataversion: row.dataversion,
    data: row.data,
  });
}

function logOf(fleet: Fleet): EventLog {
  return new EventLog({ brokers: [fleet.state.servers.brokers], clientId: 'call-history-checker' });
}

async function topicOf(fleet: Fleet, app: TestApp): Promise<CallEvent[]> {
  const events: CallEvent[] = [];
  await readRange(logOf(fleet), 'calls.events', {}, async (messages) => {
    for (const { message } of messages) {
      const event = fromMessage(message);
      if (event?.appid === app.appId) events.push(callEventSchema.parse(event));
    }
  });
  return events;
}

function told(receiver: WebhookReceiver): Pick<Evidence, 'webhooks' | 'badSignatures'> {
  const webhooks = receiver.received.map(({ id, body }) => ({
    id,
    type: body.type,
    callId: String(body.data.callId),
    sequence: body.data.sequence,
  }));
  return { webhooks, badSignatures: receiver.badSignatures.length };
}

function seen(devices: readonly SimulatedDevice[]): Pick<Evidence, 'devices' | 'commands'> {
  return { devices: devices.map((device) => device.evidence()), commands: devices.flatMap(({ commands }) => commands) };
}
