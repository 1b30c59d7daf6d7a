/*
 * A crowd of calls to people who are away, heard by two replicas at once: each device is pushed to once and before its ring's deadline, and
 * one app's crowd, beyond what its lane and memory have room for, holds up no other app's ring. PUSH_CROWD says how many.
 */
import { randomUUID } from 'node:crypto';
import type { AppId, CallEvent, DeviceId, UserAlias } from '@communication-center/contracts';
import { eventually, Fleet, holds, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kept, silentLog } from '../channels/channels.fixture.js';
import type { Push } from '../channels/push-channel.js';
import { RegistrationStore } from '../devices/registration-store.js';
import { notifications } from '../migrations/1-notifications.js';
import { push } from '../migrations/11-push.js';
import { toldRings } from '../migrations/20-told-rings.js';
import { pushReplicas } from '../migrations/21-push-replicas.js';
import { ringsBegun } from '../migrations/23-begin-rings.js';
import { ProviderWords } from './provider-words.js';
import { PushRings } from './push-rings.js';

const crowd = Number(process.env.PUSH_CROWD ?? 60);
const fleet = new Fleet();
let schema: TestSchema;
let replicas: PushRings[];
/** Each push, with how much of its ring was left, in milliseconds. */
let pushes: { device: string; appId: string; at: number; leftMs: number }[];
let takesMs: number;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [notifications, push, toldRings, pushReplicas, ringsBegun]);
  [pushes, replicas, takesMs] = [[], [], 0];
});
afterEach(async () => {
  await Promise.all(replicas.map((one) => one.beforeApplicationShutdown()));
  await schema.drop();
});

const channel = {
  send: async ({ told }: Push) => {
    if (told.type !== 'ring') throw new Error('no ring has ended');
    const { appId, userAlias, deviceId, deadline } = told;
    pushes.push({ device: `${appId} ${userAlias} ${deviceId}`, appId, at: performance.now(), leftMs: Date.parse(deadline) - Date.now() });
    await new Promise((resolve) => setTimeout(resolve, takesMs));
    return { outcome: 'accepted' as const };
  },
};

const faults: unknown[] = [];
function replica(limits: { PUSH_CONCURRENCY: number; PUSH_WAITING: number }): PushRings {
  const known = {
    hasApp: () => true,
    tellsRings: () => false,
    tellingRings: [],
    of: async () => kept({ provider: 'fcm', projectId: 'p', clientEmail: 'e', privateKey: 'k' }),
  };
  const database = {
    ...schema,
    query: schema.query.bind(schema),
    transaction: schema.transaction.bind(schema),
    of: () => database,
  } as never;
  const report = (error: unknown) => faults.push(error);
  const words = new ProviderWords({ noteFault: async () => undefined } as never, new RegistrationStore(schema as never), silentLog, report);
  const settings = { ...limits, PUSH_UNCONFIRMED_MS: 600 };
  const parts = [database, known, words, { of: () => channel }, { of: async () => 'token' }, {}, settings, silentLog, report];
  const one = new PushRings(...(parts as unknown as ConstructorParameters<typeof PushRings>));
  replicas.push(one);
  one.begin();
  return one;
}

/** Registers phones of so many people of an app, and of every fifth a tablet. @returns how many devices that are. */
async function people(appId: string, count: number): Promise<number> {
  const { rowCount } = await schema.query(
    `INSERT INTO push_registrations (registration_id, app_id, user_alias, device_id, kind, token_hash, target)
     SELECT gen_random_uuid(), $1, 'user-' || number, device, 'fcm', sha256((device || number)::bytea), jsonb_build_object('kind', 'fcm', 'token', device || number)
     FROM generate_series(1, $2::int) AS number, unnest(ARRAY['phone', 'tablet']) AS device WHERE device = 'phone' OR number % 5 = 0`,
    [appId, count],
  );
  return rowCount ?? 0;
}

function dialed(appid: string, user: number): CallEvent {
  const callid = randomUUID();
  const callee = `user-${user}` as UserAlias;
  const data = { initiator: 'caller', initiatorDevice: 'd' as DeviceId, callees: [callee], callType: 'audio_only', ringSeconds: 30 };
  const event = { type: 'call.dialed', callid, appid: appid as AppId, sequence: 1, time: new Date().toISOString() };
  return { ...event, data: { audience: ['caller', callee], ...data } } as unknown as CallEvent;
}

test('a crowd of calls to people who are away: each device is pushed to once, and before its deadline', async () => {
  const devices = await people('demo', crowd);
  const both = [replica({ PUSH_CONCURRENCY: 64, PUSH_WAITING: 5000 }), replica({ PUSH_CONCURRENCY: 64, PUSH_WAITING: 5000 })];
  takesMs = 5;
  const from = performance.now();
  for (let user = 1; user <= crowd; user += 1) {
    const event = dialed('demo', user);
    for (const one of both) one.take(event);
  }
  await eventually('all of them', () => pushes.length >= devices, 25_000);
  const times = pushes.map(({ at }) => at - from).toSorted((one, other) => one - other);
  console.log(
    `${devices} devices: p50 ${times[Math.floor(devices / 2)]?.toFixed(0)} ms, p99 ${times[Math.floor(devices * 0.99)]?.toFixed(0)} ms`,
  );
  await holds('none twice', () => pushes.length === devices, 1500);
  expect(new Set(pushes.map(({ device }) => device)).size).toBe(devices);
  expect(Math.min(...pushes.map(({ leftMs }) => leftMs))).toBeGreaterThan(0);
  expect(faults).toEqual([]);
}, 60_000);

test('one app’s crowd, beyond what there is room for, holds up neither another app’s ring nor what a dead replica left of it', async () => {
  await people('crowd', crowd * 5);
  await people('other', 2);
  const one = replica({ PUSH_CONCURRENCY: 1, PUSH_WAITING: 10 });
  takesMs = 50;
  for (let user = 1; user <= crowd * 5; user += 1) one.take(dialed('crowd', user));
  await eventually('the lane being full', () => one.figures.pushes >= 10);
  // Behind all of the crowd that waits in the database: what a dead replica was at.
  const before = pushes.length;
  await schema.query(
    `INSERT INTO ring_pushes (push_id, call_id, ring_sequence, registration_id, app_id, user_alias, device_id, kind, ring, deadline, claimed_by, claimed_until)
     SELECT gen_random_uuid(), gen_random_uuid(), 1, registration_id, app_id, user_alias, device_id, kind,
       '{"caller":"caller","callType":"audio_only","waiting":false}', clock_timestamp() + interval '30 seconds', gen_random_uuid(), clock_timestamp()
     FROM push_registrations WHERE app_id = 'other' AND user_alias = 'user-2'`,
  );
  one.take(dialed('other', 1));
  const place = (device: string) => pushes.findIndex((made) => made.device === device);
  await eventually(
    'the ring, and the one that was left',
    () => place('other user-1 phone') >= 0 && place('other user-2 phone') >= 0,
    15_000,
  );
  // Counted in pushes of the crowd, which takes them one after the other: a slow machine slows both.
  expect(place('other user-1 phone') - before).toBeLessThan(20);
  expect(place('other user-2 phone') - before).toBeLessThan(50);
  expect(pushes.filter(({ appId }) => appId === 'crowd').length).toBeLessThan(crowd * 5);
}, 60_000);
