/*
 * The engine on a real PostgreSQL, with channels that note what they are given: replicas that hear the same events, in the same order and
 * with repeats, ring each device once and tell it once that it is over.
 */
import { randomUUID } from 'node:crypto';
import {
  type AnyEvent,
  type AppId,
  type CallEvent,
  type DeviceId,
  enveloped,
  type PushedRing,
  type PushTarget,
  type RingConfirmed,
  readEvent,
  type UserAlias,
} from '@communication-center/contracts';
import { eventually, Fleet, holds, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kept, silentLog } from '../channels/channels.fixture.js';
import type { Push } from '../channels/push-channel.js';
import { RegistrationStore } from '../devices/registration-store.js';
import type { PushOutcome } from '../domain/push-outcome.js';
import { notifications } from '../migrations/1-notifications.js';
import { push } from '../migrations/11-push.js';
import { toldRings } from '../migrations/20-told-rings.js';
import { pushReplicas } from '../migrations/21-push-replicas.js';
import { ringsBegun } from '../migrations/23-begin-rings.js';
import { ProviderWords } from './provider-words.js';
import { PushRings } from './push-rings.js';

const fleet = new Fleet();
let schema: TestSchema;
let registrations: RegistrationStore;
let replicas: PushRings[];
/** What devices were told, in order. */
let told: string[];
/** The rings among it. */
let rings: PushedRing[];
/** What the provider says, for so long as it is set. */
let says: (push: Push) => Promise<PushOutcome>;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [notifications, push, toldRings, pushReplicas, ringsBegun]);
  registrations = new RegistrationStore(schema as never);
  [told, replicas, rings] = [[], [], []];
  says = async () => ({ outcome: 'accepted' });
});

afterEach(async () => {
  await Promise.all(replicas.map((one) => one.beforeApplicationShutdown()));
  await schema.drop();
});

const channel = {
  send: async (one: Push) => {
    const what = one.told.type === 'ring' ? 'ring' : `ended ${one.told.reason}`;
    told.push(`${one.told.userAlias} ${one.target.kind} ${what}`);
    if (one.told.type === 'ring') rings.push(one.told);
    return says(one);
  },
};

/** Starts a replica. Until `begin` is called it only listens. */
function replica(): PushRings {
  const known = {
    hasApp: () => true,
    tellsRings: () => false,
    tellingRings: [],
    of: async () => kept({ provider: 'fcm', projectId: 'p', clientEmail: 'e', privateKey: 'k' }),
  };
  const database = { ...schema, query: schema.query.bind(schema), of: () => database } as never;
  const words = new ProviderWords({ noteFault: async () => undefined } as never, registrations, silentLog, fail);
  const tokens = { of: async ({ deviceId }: { deviceId: string }) => `ring token of ${deviceId}` };
  const settings = { PUSH_CONCURRENCY: 4, PUSH_WAITING: 100, PUSH_UNCONFIRMED_MS: 600 };
  const one = new PushRings(
    database,
    known as never,
    words,
    { of: () => channel } as never,
    tokens as never,
    {} as never,
    settings as never,
    silentLog,
    fail,
  );
  replicas.push(one);
  return one;
}
const fail = (error: unknown) => {
  told.push(`failed: ${String(error)}`);
};

const register = (userAlias: string, deviceId: string, target: PushTarget) =>
  registrations.register('demo' as AppId, userAlias as UserAlias, { deviceId: deviceId as DeviceId, target });
const fcm = (token: string): PushTarget => ({ kind: 'fcm', token: token.padEnd(20, '.') });

const devicesToldOf = () => rings.map(({ deviceId }) => deviceId as string);

function callOf(secondsAgo = 0) {
  const callId = randomUUID();
  const time = new Date(Date.now() - secondsAgo * 1000).toISOString();
  const audience = ['alice', 'bob'];
  const event = (type: string, sequence: number, data: object): CallEvent => {
    const envelope = {
      specversion: '1.0',
      id: `${callId}-${sequence}`,
      source: '/calls',
      time,
      subject: callId,
      appid: 'demo',
      callid: callId,
    };
    return readEvent('calls.events', { ...envelope, type, sequence, dataversion: 1, data: { audience, ...data } } as unknown as AnyEvent);
  };
  const limits = { ringSeconds: 30, maxParticipants: 8, maxDurationSeconds: 60 };
  return {
    dialed: event('call.dialed', 1, { initiator: 'alice', initiatorDevice: 'a', callees: ['bob'], callType: 'audio_video', ...limits }),
    ringing: event('call.ringing', 2, { userAlias: 'bob', deviceId: 'laptop' }),
    answered: event('call.answered', 2, { userAlias: 'bob', deviceId: 'laptop' }),
    cancelled: event('call.ended', 2, { reason: 'cancelled', talkSeconds: 0 }),
  };
}

test('two replicas ring a device once, and tell it once that it is over', async () => {
  await register('bob', 'android', fcm('a'));
  const [one, other] = [replica(), replica()];
  one.begin();
  other.begin();
  const call = callOf();
  for (const event of [call.dialed, call.dialed]) for (const each of [one, other]) each.take(event);
  await eventually('the ring', () => told.includes('bob fcm ring'));
  for (const event of [call.cancelled, call.dialed, call.cancelled]) for (const each of [one, other]) each.take(event);
  await eventually('the end', () => told.length === 2);
  await holds('nothing more', () => told.length === 2, 800);
  expect(told).toEqual(['bob fcm ring', 'bob fcm ended cancelled']);
});

test('a ring that ends while its push is under way is told after it; one that ends before is not pushed at all', async () => {
  await register('bob', 'android', fcm('a'));
  const one = replica();
  one.begin();
  const slow = Promise.withResolvers<PushOutcome>();
  says = async ({ told: { type } }) => (type === 'ring' ? slow.promise : { outcome: 'accepted' });
  const [first, second] = [callOf(), callOf()];
  one.take(first.dialed);
  await eventually('the push being under way', () => told.length === 1);
  one.take(first.answered);
  one.take(second.dialed);
  one.take(second.cancelled);
  await holds('no word of the end before the ring', () => told.length === 1, 500);
  slow.resolve({ outcome: 'accepted' });
  await eventually('the end', () => told.length === 2);
  expect(told).toEqual(['bob fcm ring', 'bob fcm ended answered_elsewhere']);
});

test('what was dialed while nobody listened rings, and what is over by then does not', async () => {
  await register('bob', 'android', fcm('a'));
  const [open, over, late] = [callOf(10), callOf(10), callOf(40)];
  const one = replica();
  for (const event of [open.dialed, over.dialed, late.dialed, over.cancelled]) one.take(event);
  await holds('nothing before it may', () => told.length === 0, 300);
  one.begin();
  await eventually('the ring', () => told.length > 0);
  await holds('no other', () => told.length === 1, 800);
  expect(told).toEqual(['bob fcm ring']);
});

test('a replica that dies while it pushes is followed by another within two seconds, once; the device hears of the end', async () => {
  await register('bob', 'android', fcm('a'));
  const call = callOf();
  const [dying, other] = [replica(), replica()];
  says = () => new Promise(() => undefined);
  dying.begin();
  dying.take(call.dialed);
  await eventually('the push being under way', () => told.length === 1);
  // It renews nothing any more, and never writes down what became of its push.
  void dying.beforeApplicationShutdown();
  await schema.query("UPDATE ring_pushes SET claimed_by = gen_random_uuid(), claimed_until = clock_timestamp() + interval '1 second'");
  says = async () => ({ outcome: 'accepted' });
  other.begin();
  other.take(call.dialed);
  await eventually('the other pushing', () => told.length === 2, 3000);
  other.take(call.cancelled);
  await eventually('the end', () => told.length === 3);
  expect(told).toEqual(['bob fcm ring', 'bob fcm ring', 'bob fcm ended cancelled']);
});

test('what a dead replica left is not taken over before it is known what has ended meanwhile', async () => {
  await register('bob', 'android', fcm('a'));
  const call = callOf();
  const dying = replica();
  says = () => new Promise(() => undefined);
  dying.begin();
  dying.take(call.dialed);
  await eventually('the push being under way', () => told.length === 1);
  void dying.beforeApplicationShutdown();
  await schema.query('UPDATE ring_pushes SET claimed_by = gen_random_uuid(), claimed_until = clock_timestamp()');
  says = async () => ({ outcome: 'accepted' });
  const after = replica();
  await holds('nothing while it learns', () => told.length === 1, 1200);
  after.take(call.cancelled);
  after.begin();
  await eventually('the end', () => told.length === 2);
  expect(told).toEqual(['bob fcm ring', 'bob fcm ended cancelled']);
});

test('devices that were pushed to before a restart are told of an end that came meanwhile', async () => {
  await register('bob', 'android', fcm('a'));
  const call = callOf();
  const before = replica();
  before.begin();
  before.take(call.dialed);
  await eventually('the record', async () => (await schema.query("SELECT 1 FROM ring_pushes WHERE state = 'accepted'")).rowCount === 1);
  await before.beforeApplicationShutdown();
  const after = replica();
  after.take(call.dialed);
  after.take(call.cancelled);
  after.begin();
  await eventually('the end', () => told.includes('bob fcm ended cancelled'));
  expect(told).toHaveLength(2);
});

test('more than a lane has room for waits in the database, and all of it is pushed', async () => {
  for (let device = 0; device < 45; device += 1) await register('bob', `d${device}`, fcm(`t${device}`));
  const one = replica();
  one.begin();
  says = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return { outcome: 'accepted' };
  };
  for (let calls = 0; calls < 4; calls += 1) one.take(callOf().dialed);
  await eventually('all of them', () => told.length >= 180, 20_000);
  await holds('none twice', () => told.length === 180, 500);
}, 40_000);

const confirmed = (deviceId: string, { dialed }: ReturnType<typeof callOf>, through: 'socket' | 'push' = 'socket'): RingConfirmed => {
  const data = { callId: dialed.callid, userAlias: 'bob' as UserAlias, deviceId: deviceId as DeviceId, through };
  const origin = { id: randomUUID(), source: '/gateway', at: new Date(), subject: dialed.callid, appId: dialed.appid, sequence: 1 };
  return readEvent('rings.events', enveloped({ type: 'ring.confirmed', data }, origin));
};
const opens = (deviceId: string) =>
  schema.query("INSERT INTO live_sessions VALUES (gen_random_uuid(), 'demo', 'bob', $1, 1, NULL)", [deviceId]);

test('a device whose open socket says nothing is pushed to after a while, once; one that says that it rings is not', async () => {
  for (const device of ['closed', 'silent', 'heard', 'early']) await register('bob', device, fcm(device));
  for (const device of ['silent', 'heard', 'early']) await opens(device);
  const [one, other] = [replica(), replica()];
  const call = callOf();
  const all = (work: (one: PushRings) => void) => [one, other].forEach(work);
  all((each) => each.begin());
  // A gateway may hear of the ring, and its device say so, before the log tells of it here.
  all((each) => each.takeConfirmed(confirmed('early', call)));
  all((each) => each.take(call.dialed));
  await eventually('the closed one being pushed', () => devicesToldOf().length === 1);
  all((each) => each.takeConfirmed(confirmed('heard', call)));
  await eventually('the silent one being pushed', () => devicesToldOf().length === 2);
  await holds('no other', () => devicesToldOf().length === 2, 900);
  expect(devicesToldOf()).toEqual(['closed', 'silent']);
});

test('nothing is pushed to a silent device whose ring is over; the first to confirm in the call itself counts as heard', async () => {
  for (const device of ['silent', 'laptop']) await register('bob', device, fcm(device));
  for (const device of ['silent', 'laptop']) await opens(device);
  const one = replica();
  one.begin();
  const [over, ringing] = [callOf(), callOf()];
  one.take(over.dialed);
  one.take(ringing.dialed);
  one.take(over.cancelled);
  one.take(ringing.ringing);
  await eventually('the silent one being pushed', () => devicesToldOf().length === 1);
  await holds('no other', () => devicesToldOf().length === 1, 800);
  expect(devicesToldOf()).toEqual(['silent']);
});

test('a device that says that it rings while its push is tried again is pushed to no more, and that is on record', async () => {
  await register('bob', 'android', fcm('a'));
  const one = replica();
  one.begin();
  says = async () => ({ outcome: 'later', reason: 'away', mayHaveArrived: false });
  const call = callOf();
  one.take(call.dialed);
  await eventually('the first try', () => told.length > 0);
  one.takeConfirmed(confirmed('android', call));
  const state = async () => (await schema.query('SELECT state, reason FROM ring_pushes')).rows[0];
  await eventually('it being on record', async () => (await state())?.state === 'cancelled');
  expect((await state())?.reason).toContain('rings already');
});

test('a replica that is killed while it waits for a device leaves that to any other; what began long ago is not waited for', async () => {
  await register('bob', 'silent', fcm('a'));
  await opens('silent');
  const call = callOf(5);
  const later = replica();
  later.take(call.dialed);
  later.begin();
  await eventually('the push', () => devicesToldOf().length === 1, 500);
});

test('each push carries the ring token of its device', async () => {
  await register('bob', 'android', fcm('a'));
  const one = replica();
  one.begin();
  one.take(callOf().dialed);
  await eventually('the ring', () => rings.length === 1);
  expect(rings[0]).toMatchObject({ deviceId: 'android', ringToken: 'ring token of android' });
});
