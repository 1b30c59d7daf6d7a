/*
 * A provider that is not there for a while, through its own library: what has time left by then rings once it is back, each device once, and what has
 * none does not. PUSH_OUTAGE_SECONDS says how long.
 */
import { randomUUID } from 'node:crypto';
import type { AppId, CallEvent, DeviceId, UserAlias } from '@communication-center/contracts';
import { eventually, FcmStandIn, Fleet, holds, makeServiceAccount, TestSchema } from '@communication-center/testing';
import { expect, test } from 'vitest';
import { certificate, kept, settings, silentLog } from '../channels/channels.fixture.js';
import { FcmChannel } from '../channels/fcm-channel.js';
import { RegistrationStore } from '../devices/registration-store.js';
import { notifications } from '../migrations/1-notifications.js';
import { push } from '../migrations/11-push.js';
import { toldRings } from '../migrations/20-told-rings.js';
import { pushReplicas } from '../migrations/21-push-replicas.js';
import { ringsBegun } from '../migrations/23-begin-rings.js';
import { ProviderWords } from './provider-words.js';
import { PushRings } from './push-rings.js';

const outageSeconds = Number(process.env.PUSH_OUTAGE_SECONDS ?? 1.5);
const people = 20;

function dialed(user: string, ringSeconds: number): CallEvent {
  const callid = randomUUID();
  const data = { initiator: 'caller', initiatorDevice: 'd' as DeviceId, callees: [user as UserAlias], callType: 'audio_only', ringSeconds };
  const event = { type: 'call.dialed', callid, appid: 'demo' as AppId, sequence: 1, time: new Date().toISOString() };
  return { ...event, data: { audience: ['caller', user], ...data } } as unknown as CallEvent;
}

test(`a provider that is away for ${outageSeconds} s: who still rings by then is rung once, soon after it is back, and who does not is not`, async () => {
  const schema = await TestSchema.migrated(new Fleet(), [notifications, push, toldRings, pushReplicas, ringsBegun]);
  const registrations = new RegistrationStore(schema as never);
  const before = await FcmStandIn.start(certificate);
  const port = Number(before.place.split(':')[1]);
  const account = makeServiceAccount();
  const channel = new FcmChannel(settings({ GOOGLE_HOST: before.place }), silentLog);
  await before.stop();
  const credential = { provider: 'fcm', projectId: account.project_id, clientEmail: account.client_email, privateKey: account.private_key };
  const known = { hasApp: () => true, tellsRings: () => false, tellingRings: [], of: async () => kept(credential as never) };
  const database = { ...schema, query: schema.query.bind(schema), of: () => database } as never;
  const faults: unknown[] = [];
  const report = (error: unknown) => faults.push(error);
  const words = new ProviderWords({ noteFault: async () => undefined } as never, registrations, silentLog, report);
  const limits = { PUSH_CONCURRENCY: 64, PUSH_WAITING: 100, PUSH_UNCONFIRMED_MS: 600 };
  const parts = [database, known, words, { of: () => channel }, { of: async () => 'token' }, {}, limits, silentLog, report];
  const rings = new PushRings(...(parts as unknown as ConstructorParameters<typeof PushRings>));
  const tokens = Array.from({ length: people + 1 }, (_, number) => `a-token-of-device-${number}`);
  for (const [number, token] of tokens.entries())
    await registrations.register('demo' as AppId, `user-${number}` as UserAlias, {
      deviceId: 'phone' as DeviceId,
      target: { kind: 'fcm', token },
    });
  rings.begin();
  for (let number = 0; number < people; number += 1) rings.take(dialed(`user-${number}`, outageSeconds + 40));
  rings.take(dialed(`user-${people}`, Math.max(1, outageSeconds - 5)));
  await new Promise((resolve) => setTimeout(resolve, outageSeconds * 1000));
  const states = async () => (await schema.query<{ state: string }>('SELECT state FROM ring_pushes')).rows.map(({ state }) => state).sort();
  await eventually('the short ring being given up', async () => (await states()).includes('expired'));
  expect((await states()).filter((state) => state === 'queued')).toHaveLength(people);
  const back = await FcmStandIn.start(certificate, port);
  back.knows(account);
  const backAt = Date.now();
  await eventually('all that still ring', () => back.pushes.length >= people, 12_000);
  console.log(`away for ${outageSeconds} s: all rang ${Date.now() - backAt} ms after it was back`);
  await holds('none twice, and no other', () => back.pushes.length === people, 500);
  expect(new Set(back.pushes.map(({ token }) => token))).toEqual(new Set(tokens.slice(0, people)));
  for (const { at, data } of back.pushes) expect(at).toBeLessThan(Date.parse(String(data.deadline)));
  await eventually('the record', async () => (await states()).filter((state) => state === 'accepted').length === people);
  expect(faults).toEqual([]);
  await rings.beforeApplicationShutdown();
  await channel.close();
  await back.stop();
  await schema.drop();
}, 150_000);
