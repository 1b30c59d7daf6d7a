/*
 * What an endpoint has had, or lost, or never had, it is given again, in the order of its subjects, by a job that any replica goes on
 * with, that is slower than what is new, and that ends when it is told to.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AppId, endpointBodySchema } from '@communication-center/contracts';
import { type JobBody, type JobView, jobBodySchema } from '@communication-center/contracts/webhook-messages';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KnownCalls } from '../known-calls/known-calls.js';
import { newMessage, Receivers, type Replica, startReplica } from '../lanes/lanes.fixture.js';
import { tellOfWaiting } from '../lanes/told-of-waiting.js';
import { migrations } from '../migrations/index.js';
import { listAttempts } from '../read-messages/attempt-list.js';
import { listMessages } from '../read-messages/message-list.js';
import { readMessage, viewMessage } from '../read-messages/message-view.js';
import { cancelJob, handOver, listJobs, makeJob, readJob } from './job-rows.js';
import { JobRunner } from './job-runner.js';

const fleet = new Fleet();
const app = 'app' as AppId;
let schema: TestSchema;
let receivers: Receivers;
let replica: Replica;
let runners: JobRunner[];
let path = 0;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, migrations);
  receivers = new Receivers();
  await receivers.start();
  replica = startReplica(schema);
  runners = [];
});
afterEach(async () => {
  await Promise.all(runners.map((runner) => runner.beforeApplicationShutdown()));
  await replica.lanes.beforeApplicationShutdown();
  await receivers.stop();
  await schema.drop();
});

function startRunner(perSecond = 1000, database: unknown = { ...replica.database, background: schema }): JobRunner {
  const runner = new JobRunner(
    database as never,
    replica.store,
    new KnownCalls(async (callId) => [{ type: 'call.dialed', subject: callId, data: {} }] as never),
    { REPLAYS_PER_SECOND: perSecond } as never,
    (error, doing) => replica.faults.push(`${doing}: ${error}`),
  );
  runners.push(runner);
  runner.onApplicationBootstrap();
  return runner;
}

async function endpoint(body: object = {}): Promise<{ endpointId: string; at: string }> {
  path += 1;
  const at = `/${path}`;
  const { endpointId } = await replica.store.make(app, endpointBodySchema.parse({ url: receivers.urlOf(at), ...body }));
  return { endpointId, at };
}
const numbers = (length: number, from = 1) => Array.from({ length }, (_, index) => index + from);
const tell = async (sequences: readonly number[], calls = 3) => {
  const told = sequences.map((one) => newMessage(app, `call ${one % calls}`, one));
  await replica.lanes.write(told);
  return told;
};
const make = async (endpointId: string, wish: Partial<JobBody>) => {
  const made = { jobId: crypto.randomUUID(), endpointId, wish: jobBodySchema.parse({ kind: 'replay', ...wish }) };
  const job = await makeJob(schema as never, app, made);
  for (const runner of runners) runner.wake();
  return job;
};
const givenUp = (count: number) =>
  eventually(
    `${count} being given up`,
    async () => (await schema.query("SELECT FROM undelivered WHERE state = 'failed'")).rowCount === count,
    20_000,
  );
const ended = ({ jobId }: JobView) =>
  eventually(
    'the job being done',
    async () => {
      const job = await readJob(schema, app, jobId);
      return job.state === 'done' && job;
    },
    20_000,
  );
const sequencesAt = (at: string) => receivers.of(at).map(({ sequence }) => sequence);
const long = '2020-01-01T00:00:00Z';

test('a new endpoint is given all from a time on, in order within each call, and a delivered one again what it had', async () => {
  const first = await endpoint();
  await tell(numbers(120));
  await eventually('all', () => receivers.of(first.at).length === 120);
  const second = await endpoint();
  startRunner();
  const jobs = await Promise.all([make(second.endpointId, { since: long }), make(first.endpointId, { since: long })]);
  for (const job of jobs) expect(await ended(job)).toMatchObject({ looked: 120, queued: 120, waiting: 0, failed: 0, delivered: 120 });
  expect([receivers.of(first.at).length, receivers.of(second.at).length]).toEqual([240, 120]);
  for (const call of [0, 1, 2]) {
    const ofCall = sequencesAt(second.at).filter((one) => one % 3 === call);
    expect(ofCall).toEqual(ofCall.toSorted((one, other) => one - other));
  }
  const [messageId] = receivers.of(first.at).map((one) => one.messageId);
  const view = await viewMessage(schema, app, messageId as string);
  expect(view.deliveries.find(({ endpointId }) => endpointId === first.endpointId)).toMatchObject({ state: 'delivered', attempts: 2 });
  expect(view.deliveries.flatMap(({ latest }) => latest)).toHaveLength(3);
  expect(replica.faults).toEqual([]);
}, 40_000);

test('a replay goes from a place, of a call, or until a time; what its endpoint does not want is not sent', async () => {
  const { endpointId, at } = await endpoint();
  const told = await tell(numbers(30));
  await eventually('all', () => receivers.of(at).length === 30);
  // What is not on record yet counts as still to come.
  await eventually('it being on record', async () => (await schema.query('SELECT FROM delivery_attempts')).rowCount === 30);
  startRunner();
  receivers.arrived.clear();
  await ended(await make(endpointId, { position: 25 }));
  expect(sequencesAt(at).toSorted((one, other) => one - other)).toEqual([26, 27, 28, 29, 30]);
  receivers.arrived.clear();
  await ended(await make(endpointId, { subject: 'call 1' }));
  expect(sequencesAt(at)).toEqual(numbers(10).map((one) => one * 3 - 2));
  receivers.arrived.clear();
  expect(await ended(await make(endpointId, { since: long, until: told[0]?.occurredAt as string }))).toMatchObject({ looked: 0 });
  const deaf = await endpoint({ eventTypes: ['presence.*'] });
  expect(await ended(await make(deaf.endpointId, { since: long }))).toMatchObject({ looked: 30, queued: 0 });
  expect(receivers.of(deaf.at)).toEqual([]);
}, 40_000);

test('what was given up is recovered, what was never tried is sent, one message is sent again, and each can be looked up', async () => {
  const { endpointId, at } = await endpoint();
  receivers.answers.set(at, (one) => (one.sequence % 3 === 1 ? 500 : 204));
  const told = await tell(numbers(3), 6);
  await givenUp(1);
  told.push(...(await tell(numbers(3, 4), 6)));
  await givenUp(2);
  const failed = await listMessages(schema, app, { endpointId, state: 'failed', limit: 1 });
  expect([failed.messages.length, failed.messages[0]?.delivery]).toMatchObject([1, { state: 'failed', attempts: 4, nextAttemptAt: null }]);
  const next = await listMessages(schema, app, { endpointId, state: 'failed', limit: 1, cursor: failed.nextCursor as string });
  expect(new Set([failed, next].map(({ messages }) => messages[0]?.sequence))).toEqual(new Set([1, 4]));
  const attempts = await listAttempts(schema, app, { endpointId, outcome: 'failed', limit: 100 });
  expect(attempts.attempts).toHaveLength(8);
  expect(attempts.attempts[0]).toMatchObject({ status: 500, error: 'answered 500', nextAttemptAt: null });
  expect(attempts.attempts.at(-1)?.nextAttemptAt).toMatch(/Z$/);

  startRunner();
  receivers.answers.delete(at);
  expect(await ended(await make(endpointId, { kind: 'recover', since: long }))).toMatchObject({ queued: 2, delivered: 2, failed: 0 });
  expect(new Set(sequencesAt(at))).toEqual(new Set(numbers(6)));
  expect((await listMessages(schema, app, { endpointId, state: 'failed', limit: 50 })).messages).toEqual([]);

  const late = await endpoint();
  await handOver(schema, late.endpointId, await readMessage(schema, app, told[0]?.messageId as string));
  await tellOfWaiting({ query: schema.query.bind(schema), schema: schema.schema } as never, [app]);
  await eventually('the one', () => receivers.of(late.at).length === 1, 3000);
  const before = await listMessages(schema, app, { endpointId: late.endpointId, state: 'not_sent', type: 'call.ended', limit: 50 });
  expect(before.messages.map(({ sequence }) => sequence).sort()).toEqual([2, 3, 4, 5, 6]);
  expect(await ended(await make(late.endpointId, { kind: 'never_attempted', since: long }))).toMatchObject({ looked: 8, queued: 5 });
  expect(sequencesAt(late.at).toSorted((one, other) => one - other)).toEqual(numbers(6));
  expect((await listMessages(schema, app, { endpointId: late.endpointId, state: 'delivered', limit: 50 })).messages).toHaveLength(6);
}, 60_000);

test('a page of messages in a state is full though few of the latest are in it; one that would look at too many goes on', async () => {
  const { endpointId, at } = await endpoint();
  await tell(numbers(60), 60);
  await eventually('all', () => receivers.of(at).length === 60, 20_000);
  await eventually('their attempts', async () => (await schema.query('SELECT FROM delivery_attempts')).rowCount === 60, 20_000);
  const later = (count: number) =>
    schema.query(
      `INSERT INTO messages (message_id, occurred_at, app_id, position, type, subject, sequence, source, dataversion, data)
       SELECT gen_random_uuid(), now() + n * interval '1 ms', $1, 1000 + n, 'call.ended', 'another', 1, '/calls', 1, '{}' FROM generate_series(1, $2) AS n`,
      [app, count],
    );
  await later(205);
  const asked = { endpointId, state: 'delivered', limit: 50 } as const;
  const full = await listMessages(schema, app, asked);
  const rest = await listMessages(schema, app, { ...asked, cursor: full.nextCursor as string });
  expect([full.messages.length, rest.messages.length, rest.nextCursor]).toEqual([50, 10, null]);
  expect(new Set([...full.messages, ...rest.messages].map(({ sequence }) => sequence))).toEqual(new Set(numbers(60)));
  await later(800);
  const none = await listMessages(schema, app, asked);
  expect(none.messages).toEqual([]);
  expect((await listMessages(schema, app, { ...asked, cursor: none.nextCursor as string })).messages).toEqual(full.messages);
}, 60_000);

test('a job that is killed in the middle goes on elsewhere and leaves nothing out; what it hands over is bounded, and what is new goes before it', async () => {
  const { endpointId, at } = await endpoint();
  await tell(numbers(400), 400);
  await eventually('all', () => receivers.of(at).length === 400, 20_000);
  receivers.arrived.clear();
  let statements = 0;
  const dying = {
    ...replica.database,
    background: {
      query: async (text: string, values?: unknown[]) => {
        statements += 1;
        // Killed after it took its next page, and before it noted it.
        if (statements > 12) return new Promise(() => undefined);
        return schema.query(text, values);
      },
      transaction: schema.transaction.bind(schema),
    },
  };
  const runner = startRunner(1000, dying);
  const job = await make(endpointId, { since: long });
  runner.wake();
  await eventually('some of it', async () => (await readJob(schema, app, job.jobId)).queued > 0);
  await eventually('its death', () => statements > 12);
  runners = [];
  // Its successor does not wait for the lease here.
  await schema.query('UPDATE webhook_jobs SET next_at = now()');
  startRunner(1000);
  await tell(numbers(20, 1000), 1000);
  await eventually('what is new', () => sequencesAt(at).filter((one) => one >= 1000).length === 20, 5000);
  expect((await schema.query('SELECT FROM undelivered')).rowCount).toBeLessThanOrEqual(200);
  expect(await ended(job)).toMatchObject({ looked: 400, queued: 400, delivered: 400 });
  expect(new Set(sequencesAt(at)).size).toBe(420);
}, 60_000);

test('a job is cancelled at will: what waits of it is taken back, and what was given up before stays so', async () => {
  const { endpointId, at } = await endpoint();
  receivers.answers.set(at, (one) => (one.sequence === 1 ? 500 : 204));
  await tell(numbers(100), 100);
  await givenUp(1);
  await schema.query('UPDATE endpoints SET disabled_at = now() WHERE endpoint_id = $1', [endpointId]);
  await sleep(1500);
  startRunner();
  const job = await make(endpointId, { since: long });
  await eventually('it waiting', async () => (await readJob(schema, app, job.jobId)).waiting >= 90);
  await cancelJob(schema as never, job.jobId, null);
  expect(await readJob(schema, app, job.jobId)).toMatchObject({ state: 'cancelled', waiting: 0 });
  const { rows } = await schema.query("SELECT state, message->>'sequence' AS sequence, job_id FROM undelivered");
  expect(rows).toEqual([{ state: 'failed', sequence: '1', job_id: null }]);
  await sleep(600);
  expect((await readJob(schema, app, job.jobId)).queued).toBeLessThanOrEqual(100);
}, 40_000);

test('a slow job delivers no faster than it may, an app has four at most, and none for the endpoint of another', async () => {
  const { endpointId, at } = await endpoint();
  await tell(numbers(200), 200);
  await eventually('all', () => receivers.of(at).length === 200, 20_000);
  receivers.arrived.clear();
  startRunner(50);
  await make(endpointId, { since: long });
  await sleep(2000);
  expect(receivers.of(at).length).toBeGreaterThan(20);
  expect(receivers.of(at).length).toBeLessThanOrEqual(160);
  for (const _ of numbers(3)) await make(endpointId, { since: long });
  await expect(make(endpointId, { since: long })).rejects.toMatchObject({ code: 'conflict' });
  expect(await listJobs(schema, app)).toHaveLength(4);
  const others = makeJob(schema as never, 'other' as AppId, {
    jobId: crypto.randomUUID(),
    endpointId,
    wish: jobBodySchema.parse({ kind: 'replay', since: long }),
  });
  await expect(others).rejects.toMatchObject({ code: 'not_found' });
}, 40_000);
