/*
 * What became of pushes is told where an app wishes it, each step once and in its place, and of no other app anything; the rows tell it of all.
 */
import { randomUUID } from 'node:crypto';
import { type AnyEvent, type AppId, type CallId, type DeviceId, readEvent, type UserAlias } from '@communication-center/contracts';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RegistrationStore } from '../devices/registration-store.js';
import type { Ring, RingEnd } from '../domain/rings.js';
import { notifications } from '../migrations/1-notifications.js';
import { outbox } from '../migrations/4-outbox.js';
import { outboxFunctions } from '../migrations/5-outbox-functions.js';
import { traces } from '../migrations/6-traces.js';
import { outboxRows } from '../migrations/7-outbox-rows.js';
import { push } from '../migrations/11-push.js';
import { toldRings } from '../migrations/20-told-rings.js';
import { pushReplicas } from '../migrations/21-push-replicas.js';
import { ringsBegun } from '../migrations/23-begin-rings.js';
import { type RingPush, RingRows } from './ring-rows.js';

const fleet = new Fleet();
const [told, quiet] = ['told' as AppId, 'quiet' as AppId];
const bob = 'bob' as UserAlias;
let schema: TestSchema;
let rows: RingRows;
let other: RingRows;
let committed: number;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [
    notifications,
    outbox,
    outboxFunctions,
    traces,
    outboxRows,
    push,
    toldRings,
    pushReplicas,
    ringsBegun,
  ]);
  committed = 0;
  const relay = {
    committed: (written: readonly unknown[]) => {
      committed += written.length;
    },
  };
  const made = () => new RingRows(schema, randomUUID(), { tells: (appId) => appId === told, relay });
  [rows, other] = [made(), made()];
  const registrations = new RegistrationStore(schema as never);
  for (const appId of [told, quiet])
    for (const device of ['phone', 'tablet'])
      await registrations.register(appId, bob, {
        deviceId: device as DeviceId,
        target: { kind: 'fcm', token: `${appId}-${device}`.padEnd(20, '.') },
      });
});
afterEach(() => schema.drop());

const ringOf = (appId: AppId): Ring => ({
  ...{ callId: randomUUID() as CallId, sequence: 1, appId, userAlias: bob, caller: 'alice' as UserAlias, callType: 'audio_video' },
  ...{ waiting: false, began: new Date().toISOString(), deadline: new Date(Date.now() + 30_000).toISOString(), traceparent: null },
});
const endOf = (ring: Ring): RingEnd => ({
  ...ring,
  sequence: 2,
  part: { state: 'gone', userAlias: bob, at: '', reason: 'cancelled', deviceId: null },
});
const finished = ({ pushId, appId }: RingPush, state: 'accepted' | 'failed') => ({
  ...{ pushId, appId, state, reason: null, attempts: 1, sentAt: new Date(), mayRing: true, isTold: true },
});

/** @returns the events of each push, by its device, as they are to be published. */
async function eventsTold(): Promise<Record<string, string[]>> {
  const { rows: entries } = await schema.query<{ key: string; event: object }>('SELECT key, event FROM outbox ORDER BY id');
  const all: Record<string, string[]> = {};
  for (const { key, event } of entries) {
    const { type, sequence, appid, data } = readEvent('notifications.events', event as AnyEvent);
    expect({ appid, key, channel: data.channel }).toEqual({ appid: told, key: data.notificationId, channel: 'ring' });
    const device = String(data.deviceId);
    all[device] = [...(all[device] ?? []), type.replace('notification.', '')];
    expect(sequence).toBeGreaterThan(0);
  }
  return all;
}

test('a push is told from its beginning until its device rings, in the transactions that note it; of apps that do not read it, nothing is', async () => {
  const rings = [ringOf(told), ringOf(quiet)];
  const { mine } = await rows.begin(rings);
  expect(await rows.begin(rings).then((again) => again.mine)).toEqual([]);
  await rows.finish(mine.map((one) => finished(one, one.deviceId === 'phone' ? 'accepted' : 'failed')));
  const confirmed = rings.map(({ appId, callId }) => ({
    ...{
      appId,
      callId,
      userAlias: bob,
      deviceId: 'phone' as DeviceId,
      sequence: 1,
      since: new Date().toISOString(),
      through: 'push' as const,
    },
  }));
  await rows.rang(confirmed);
  await other.rang(confirmed);
  expect(await eventsTold()).toEqual({ phone: ['queued', 'accepted', 'rang'], tablet: ['queued', 'failed'] });
  expect(committed).toBe(5);
  const { rows: noted } = await schema.query(
    'SELECT count(*)::int AS rang FROM ring_pushes WHERE rang_at IS NOT NULL AND sent_at IS NOT NULL',
  );
  expect(noted[0]).toEqual({ rang: 2 });
});

test('what is broken off while nobody is at it is told as cancelled, and what is too late as expired, once', async () => {
  const [over, late] = [ringOf(told), ringOf(told)];
  await rows.begin([over, late]);
  await schema.query("UPDATE ring_pushes SET claimed_until = clock_timestamp() - interval '1 second'");
  await schema.query("UPDATE ring_pushes SET deadline = clock_timestamp() - interval '1 second' WHERE call_id = $1", [late.callId]);
  await other.end([endOf(over)]);
  await rows.end([endOf(over)]);
  await other.takeOver(10, { telling: [told] });
  await rows.takeOver(10, { telling: [told] });
  const all = await eventsTold();
  expect(all.phone?.toSorted()).toEqual(['cancelled', 'expired', 'queued', 'queued']);
});
