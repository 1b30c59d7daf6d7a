/*
 * How the media of calls went, on a real PostgreSQL: samples of many devices go in one statement, each call is told of once, whatever
 * replicas do at the same moment, and no question reads more than it answers, however much is kept.
 */
import { randomUUID } from 'node:crypto';
import type { AppId, CallId, DeviceId, SessionId, Subject, UserAlias } from '@communication-center/contracts';
import { eventually, Fleet, holds, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { media } from '../migrations/1-media.js';
import { departures } from '../migrations/2-departures.js';
import { consumers } from '../migrations/3-consumers.js';
import { outbox } from '../migrations/4-outbox.js';
import { outboxFunctions } from '../migrations/5-outbox-functions.js';
import { outboxRows } from '../migrations/6-outbox-rows.js';
import { quality } from '../migrations/8-quality.js';
import type { Sample } from './domain/sample.js';
import { KeepSamples } from './keep-samples.js';
import { QualityController } from './quality.controller.js';
import { dueCalls, keepSamples, knownCall, lookLater, noteEnded, rowsOfDeletedApps, samplesOf, type TakenSample } from './quality-rows.js';
import { TellQuality } from './tell-quality.js';

const fleet = new Fleet();
const demo = 'demo' as AppId;
let schema: TestSchema;
let statements: string[];
const errors: unknown[] = [];
const replicas: TellQuality[] = [];

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [media, departures, consumers, outbox, outboxFunctions, outboxRows, quality]);
  statements = [];
});

afterEach(async () => {
  for (const replica of replicas.splice(0)) await replica.beforeApplicationShutdown();
  await schema.drop();
  expect(errors.splice(0)).toEqual([]);
});

const [alice, bob] = ['alice', 'bob'] as UserAlias[] as [UserAlias, UserAlias];
const sampleOf = (userAlias: UserAlias, packets = 75): Omit<Sample, 'at'> => ({
  userAlias,
  deviceId: `${userAlias}-laptop` as DeviceId,
  sessionId: randomUUID() as SessionId,
  measured: {
    ...{ roundTripMs: 30, candidateType: 'host' },
    streams: [
      { way: 'received', streamId: 'x', from: bob, kind: 'camera', media: 'audio', bytes: packets * 100, packets, lost: 0, jitterMs: 2 },
    ],
    janus: { up: true, receiving: ['audio'], slowUp: 0, slowDown: 0 },
  },
});
const callId = () => randomUUID() as CallId;
const user = (userAlias: UserAlias, appId = demo) => ({ kind: 'user', appId, userAlias }) as Subject;
const key = (appId = demo) => ({ kind: 'key', appId, keyId: 'k', scopes: ['calls'] }) as unknown as Subject;

/** A replica as its process has it, whose calls are still going on unless `ended` says otherwise. */
function aReplica({ ended = () => false }: { ended?: (call: CallId) => boolean } = {}) {
  const sql = {
    ...schema,
    schema: schema.schema,
    query: (text: string, values?: unknown[]) => {
      statements.push(text);
      return schema.query(text, values);
    },
    transaction: schema.transaction.bind(schema),
  };
  const database = { ...sql, of: () => sql };
  const report = (error: unknown) => void errors.push(error);
  const samples = new KeepSamples(database as never, report);
  const asked: CallId[] = [];
  const repair = async (call: CallId) => {
    asked.push(call);
    return ended(call) ? [{ type: 'call.ended' }] : [{ type: 'call.dialed' }];
  };
  const telling = new TellQuality(database as never, samples, { committed: () => undefined } as never, repair as never, report);
  telling.onApplicationBootstrap();
  replicas.push(telling);
  return { samples, telling, asked, controller: new QualityController(database as never) };
}

const told = async () =>
  (
    await schema.query<{ key: string; event: { type: string; subject: string; data: { participants: object[] } } }>(
      'SELECT key, event FROM outbox',
    )
  ).rows;

test('what many devices measure in a second goes in few statements, and is read by the app, and by each user alone', async () => {
  const { samples, controller } = aReplica();
  const [one, other] = [callId(), callId()];
  for (let times = 0; times < 50; times += 1) samples.take(demo, one, sampleOf(times % 2 ? alice : bob));
  samples.take('another' as AppId, other, sampleOf(alice));
  await samples.settled();
  expect(statements.filter((text) => text.includes('INSERT INTO quality_samples')).length).toBeLessThanOrEqual(2);
  const read = (subject: Subject, call = one) => controller.of(subject, call, { points: 100 });
  const whole = await read(key());
  expect(whole).toMatchObject({
    callId: one,
    isOver: false,
    participants: [
      { userAlias: 'alice', samples: 25 },
      { userAlias: 'bob', samples: 25 },
    ],
  });
  expect(whole.participants[0]?.score).toBeGreaterThan(4);
  expect((await read(user(alice))).participants.map(({ userAlias }) => userAlias)).toEqual(['alice']);
  const strangers: [Subject, CallId][] = [
    [user('carol' as UserAlias), one],
    [key(), other],
    [key(), callId()],
    [key('another' as AppId), one],
  ];
  for (const asked of strangers) await expect(read(...asked)).rejects.toMatchObject({ code: 'not_found' });
  await expect(read({ ...(key() as object), scopes: ['presence'] } as unknown as Subject)).rejects.toMatchObject({ code: 'forbidden' });
});

test('a call that ended is told of once, though every replica had a part in it and hears its end', async () => {
  const [one, other] = [aReplica(), aReplica()];
  const call = callId();
  one.samples.take(demo, call, sampleOf(alice));
  other.samples.take(demo, call, sampleOf(bob));
  for (const { telling } of [one, other, one]) telling.end(call);
  one.telling.end(callId());
  await eventually('the end being told', async () => (await told()).length > 0, 10_000);
  await holds('no second one', async () => (await told()).length === 1, 500);
  expect(await told()).toMatchObject([
    { key: call, event: { type: 'call.quality', subject: call, data: { participants: [{ userAlias: 'alice' }, { userAlias: 'bob' }] } } },
  ]);
  expect(await one.controller.of(key(), call, { points: 10 })).toMatchObject({ isOver: true });
});

test('a process that stops notes what it heard of; of a call whose replicas all died the calls service is asked', async () => {
  const dying = aReplica();
  const [heard, unheard, goingOn] = [callId(), callId(), callId()];
  for (const call of [heard, unheard, goingOn]) dying.samples.take(demo, call, sampleOf(alice));
  dying.telling.end(heard);
  await dying.telling.beforeApplicationShutdown();
  await schema.query("UPDATE quality_calls SET look_at = now() - interval '1 second' WHERE look_at IS NOT NULL");
  const { asked } = aReplica({ ended: (call) => call === unheard });
  await eventually('both being told', async () => (await told()).length === 2, 10_000);
  expect((await told()).map((row) => row.key).sort()).toEqual([heard, unheard].sort());
  expect(asked.toSorted()).toEqual([unheard, goingOn].sort());
  const { rows } = await schema.query("SELECT FROM quality_calls WHERE look_at > now() + interval '4 minutes'");
  expect(rows).toHaveLength(1);
});

test('no question reads more than it answers, among a great many samples', async () => {
  const call = callId();
  const sample: TakenSample = { ...sampleOf(alice), appId: demo, callId: call, ageMs: 0 };
  await schema.query(
    `INSERT INTO quality_samples SELECT gen_random_uuid(), now() - number * interval '1 second', 'someone', 'a-device', gen_random_uuid(), '{}'
     FROM generate_series(1, $1::int) AS number`,
    [manySamples],
  );
  await schema.query(
    `INSERT INTO quality_calls (call_id, app_id, look_at)
     SELECT gen_random_uuid(), 'other', CASE WHEN number < 1000 THEN now() + interval '1 hour' END FROM generate_series(1, $1::int) AS number`,
    [manySamples / 10],
  );
  await schema.analyze();
  await keepSamples(
    schema,
    Array.from({ length: 40 }, () => sample),
  );
  const questions: [string, number, (sql: Parameters<typeof samplesOf>[0]) => Promise<unknown>][] = [
    ['keeping', 4, (sql) => keepSamples(sql, [sample])],
    ['reading', 50, (sql) => samplesOf(sql, call, 10)],
    ['whose it is', 1, (sql) => knownCall(sql, demo, call)],
    ['what is due', 10, (sql) => dueCalls(sql, 20)],
    ['its end', 1, (sql) => noteEnded(sql, [call])],
    ['putting off', 1, (sql) => lookLater(sql, [call])],
  ];
  for (const [what, most, ask] of questions) {
    const read = await rowsReadBy(schema, ask);
    expect(read.wholeTables, what).toEqual([]);
    expect(read.rows, what).toBeLessThanOrEqual(most);
  }
  expect(await samplesOf(schema, call, 10)).toHaveLength(10);
});

test('what a deleted app had is erased: of its calls alone', async () => {
  const [gone, kept] = [callId(), callId()];
  const take = (call: CallId, appId: string): TakenSample => ({ ...sampleOf(alice), appId: appId as AppId, callId: call, ageMs: 0 });
  await keepSamples(schema, [take(gone, 'deleted'), take(gone, 'deleted'), take(kept, 'demo')]);
  for (const { statement } of rowsOfDeletedApps) await schema.query(statement, ['deleted']);
  const left = await schema.query('SELECT call_id FROM quality_samples UNION ALL SELECT call_id FROM quality_calls');
  expect(left.rows).toEqual([{ call_id: kept }, { call_id: kept }]);
});

/** A million takes half a minute: `QUALITY_ROWS=1000000` asks for it. */
const manySamples = Number(process.env.QUALITY_ROWS ?? 20_000);
