/*
 * Every message reaches every endpoint that wants it, whatever the receiver answers and whoever dies; in order within a subject; a
 * healthy delivery costs no row but its attempt; and what hangs holds up nobody else.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AppId, type EndpointBody, endpointBodySchema } from '@communication-center/contracts';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeCursor } from '../domain/event-cursor.js';
import { dropDays, makeDays } from '../messages/days.js';
import { migrations } from '../migrations/index.js';
import { newestDeliveries } from '../read-deliveries/delivery-list.js';
import { noteGone } from '../read-events/log-places.js';
import { newMessage, Receivers, type Replica, startReplica } from './lanes.fixture.js';

const fleet = new Fleet();
const app = 'app' as AppId;
let schema: TestSchema;
let receivers: Receivers;
let replicas: Replica[];

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, migrations);
  receivers = new Receivers();
  await receivers.start();
  replicas = [];
});

afterEach(async () => {
  await Promise.all(replicas.map(({ lanes }) => lanes.beforeApplicationShutdown()));
  await receivers.stop();
  await schema.drop();
});

function start(changed: Parameters<typeof startReplica>[1] = {}): Replica {
  const replica = startReplica(schema, changed);
  replicas.push(replica);
  return replica;
}

const endpoint = async ({ store }: Replica, path: string, body: Partial<EndpointBody> = {}, appId = app) =>
  (await store.make(appId, endpointBodySchema.parse({ url: receivers.urlOf(path), ...body }))).endpointId;
const rows = async (table: string) => (await schema.query(`SELECT FROM ${table}`)).rowCount;
const sequence = (length: number) => Array.from({ length }, (_, index) => index + 1);

test('messages arrive in order, once, and leave nothing but their attempts and a position', async () => {
  const replica = start();
  await endpoint(replica, '/a');
  for (const one of sequence(50)) await replica.lanes.write([newMessage(app, `call ${one % 5}`, one)]);
  await eventually('all', () => receivers.of('/a').length === 50);
  for (const ofCall of Map.groupBy(receivers.of('/a'), ({ subject }) => subject).values())
    expect(ofCall.map((one) => one.sequence)).toEqual(ofCall.map((one) => one.sequence).toSorted((one, other) => one - other));
  await eventually('the position', async () => (await schema.query('SELECT FROM positions WHERE position = 50')).rowCount === 1);
  expect([await rows('delivery_attempts'), await rows('undelivered')]).toEqual([50, 0]);
  expect(replica.faults).toEqual([]);
}, 30_000);

test('messages that come together are written and recorded by few statements, and an app at rest by none but a look a second', async () => {
  const replica = start();
  await endpoint(replica, '/a');
  await replica.lanes.write([newMessage(app, 'first', 1)]);
  await eventually('the first', () => receivers.of('/a').length === 1);
  replica.statements.splice(0);
  await replica.lanes.write(sequence(200).map((one) => newMessage(app, `call ${one}`, 1)));
  await eventually('all', () => receivers.of('/a').length === 201, 20_000);
  expect(replica.statements.filter((text) => text.includes('place_messages'))).toHaveLength(1);
  expect(replica.statements.length, replica.statements.join('\n')).toBeLessThan(120);
  expect(replica.statements.filter((text) => text.includes('read_messages'))).toHaveLength(0);
}, 30_000);

test('what fails is tried again beside the others, under its id, and is on record with all its attempts', async () => {
  const replica = start();
  const endpointId = await endpoint(replica, '/a');
  let failures = 2;
  receivers.answers.set('/a', (one) => (one.sequence === 1 && failures-- > 0 ? 500 : 204));
  await replica.lanes.write([1, 2, 3].map((one) => newMessage(app, 'call', one)));
  await eventually('all', () => receivers.of('/a').length === 3, 10_000);
  expect(receivers.of('/a').map((one) => one.sequence)).toEqual([2, 3, 1]);
  await eventually('nothing waiting', async () => (await rows('undelivered')) === 0);
  const [first] = (await newestDeliveries(schema, app, { endpointId, limit: 10 })).filter(({ attempts }) => attempts.length > 1);
  expect(first).toMatchObject({ state: 'delivered', nextAttemptAt: null, deliveryId: receivers.of('/a').at(-1)?.messageId });
  expect(first?.attempts.map(({ attempt, status }) => [attempt, status])).toEqual([
    [1, 500],
    [2, 500],
    [3, 204],
  ]);
}, 30_000);

test('what fails to the end is given up, and the other endpoint of the app is told so, once', async () => {
  const replica = start();
  await endpoint(replica, '/bad');
  await endpoint(replica, '/other', { eventTypes: ['message.*'] });
  receivers.answers.set('/bad', (one) => (one.sequence === 1 ? 500 : 204));
  await replica.lanes.write([1, 2, 3, 4, 5, 6].map((one) => newMessage(app, `call ${one}`, one)));
  await eventually('the notice', () => receivers.of('/other').length === 1, 15_000);
  const { rows: left } = await schema.query('SELECT state, made FROM undelivered');
  expect(left).toEqual([{ state: 'failed', made: 4 }]);
  expect(receivers.of('/bad')).toHaveLength(5);
}, 30_000);

test('an endpoint that is gone is disabled with its notice, and goes on from its position when it is enabled', async () => {
  const replica = start();
  const endpointId = await endpoint(replica, '/gone');
  await endpoint(replica, '/other', { eventTypes: ['endpoint.*'] });
  receivers.answers.set('/gone', () => 410);
  await replica.lanes.write([1, 2, 3].map((one) => newMessage(app, 'call', one)));
  await eventually('the notice', () => receivers.of('/other').length === 1, 15_000);
  const { rows: disabled } = await schema.query('SELECT disabled_reason FROM endpoints WHERE endpoint_id = $1', [endpointId]);
  expect(disabled).toEqual([{ disabled_reason: 'it answered 410 Gone' }]);
  await sleep(700);
  await replica.lanes.write([newMessage(app, 'call', 4)]);
  receivers.answers.delete('/gone');
  await schema.query('UPDATE endpoints SET disabled_at = NULL WHERE endpoint_id = $1', [endpointId]);
  await eventually('all four', () => new Set(receivers.of('/gone').map(({ messageId }) => messageId)).size === 4, 20_000);
  expect(receivers.of('/other'), 'one notice').toHaveLength(1);
}, 40_000);

test('one that is enabled goes on from where it is told to, however often that is behind what it had, and a take-over keeps to it', async () => {
  const replica = start();
  const endpointId = await endpoint(replica, '/moved');
  const had = () => receivers.of('/moved').map((one) => one.sequence);
  await replica.lanes.write(sequence(6).map((one) => newMessage(app, 'call', one)));
  await eventually('all six', () => had().length === 6);
  await expect(replica.store.enable(app, endpointId, 'start')).rejects.toMatchObject({ code: 'conflict' });
  for (const from of ['4', '2']) {
    await replica.store.stop(app, endpointId);
    receivers.arrived.clear();
    await replica.store.enable(app, endpointId, from);
    await eventually('what comes after that', () => had().length === 6 - Number(from));
    expect(had()).toEqual(sequence(6).slice(Number(from)));
  }
  await replica.store.stop(app, endpointId);
  // What its lane has at that moment may still go out.
  await sleep(1500);
  await replica.lanes.write([newMessage(app, 'call', 7)]);
  receivers.arrived.clear();
  await replica.store.enable(app, endpointId, 'end');
  await replica.lanes.write([newMessage(app, 'call', 8)]);
  await eventually('what is new alone', () => had().length === 1);
  expect(had()).toEqual([8]);
  // It is moved while nobody looks, and whoever takes it up finds all of before on record as tried.
  await replica.store.stop(app, endpointId);
  await replica.kill();
  receivers.arrived.clear();
  const next = start();
  await next.store.enable(app, endpointId, 'start');
  await eventually('all from the beginning', () => had().length === 8, 20_000);
  expect(had()).toEqual(sequence(8));
  for (const place of ['900', 'ABC']) {
    await next.store.stop(app, endpointId);
    await expect(next.store.enable(app, endpointId, place)).rejects.toMatchObject({ code: 'invalid_request' });
  }
}, 60_000);

test('strict: the next of a call waits until the one before is delivered, and other calls do not', async () => {
  const replica = start();
  const endpointId = await endpoint(replica, '/strict');
  await replica.lanes.write([newMessage(app, 'call before', 1)]);
  await eventually('the first', () => receivers.of('/strict').length === 1);
  receivers.arrived.clear();
  // It is changed while it is delivered to.
  await schema.query("UPDATE endpoints SET ordering = 'strict' WHERE endpoint_id = $1", [endpointId]);
  await sleep(2500);
  let failures = 3;
  receivers.answers.set('/strict', (one) => (one.subject === 'call a' && one.sequence === 2 && failures-- > 0 ? 500 : 204));
  await replica.lanes.write(sequence(6).flatMap((one) => [newMessage(app, 'call a', one), newMessage(app, 'call b', one)]));
  await eventually('the other call', () => receivers.of('/strict').filter(({ subject }) => subject === 'call b').length === 6);
  await eventually('all', () => receivers.of('/strict').length === 12, 20_000);
  const ofA = receivers.of('/strict').filter(({ subject }) => subject === 'call a');
  expect(ofA.map((one) => one.sequence)).toEqual(sequence(6));
  await eventually('nothing waiting', async () => (await rows('undelivered')) === 0);
}, 40_000);

test('a dead endpoint costs few rows and requests however much comes, and gets all of it once it is back', async () => {
  const replica = start({ REQUEST_TIMEOUT_MS: 700 });
  await endpoint(replica, '/dead');
  await endpoint(replica, '/well');
  let asked = 0;
  let isDead = true;
  receivers.answers.set('/dead', () => {
    asked += 1;
    return isDead ? 'nothing' : 204;
  });
  for (const batch of sequence(20)) await replica.lanes.write(sequence(100).map((one) => newMessage(app, `call ${batch} ${one}`, 1)));
  await eventually('the healthy one', () => receivers.of('/well').length === 2000, 30_000);
  await eventually('it counting as dead', () => asked >= 5, 10_000);
  expect(asked).toBeLessThan(20);
  expect(await rows('undelivered')).toBeLessThan(20);
  isDead = false;
  await eventually('all', () => new Set(receivers.of('/dead').map(({ messageId }) => messageId)).size === 2000, 40_000);
}, 90_000);

test('a hundred endpoints that hang on the same host keep a healthy one of another app waiting for no more than twice as long', async () => {
  const replica = start({ REQUEST_TIMEOUT_MS: 1000 });
  const other = 'other' as AppId;
  await endpoint(replica, '/well', {}, other);
  const latencies = async () => {
    const all: number[] = [];
    for (const one of sequence(40)) {
      const before = receivers.of('/well').length;
      const begunAt = performance.now();
      await replica.lanes.write([newMessage(other, `call ${one}`, one)]);
      await eventually('it', () => receivers.of('/well').length > before);
      all.push(performance.now() - begunAt);
    }
    return all.toSorted((one, two) => one - two)[20] ?? 0;
  };
  await latencies();
  const alone = await latencies();
  for (const number of sequence(100)) receivers.answers.set(`/hang/${number}`, () => 'nothing');
  await Promise.all(sequence(100).map((number) => endpoint(replica, `/hang/${number}`, {}, 'hanging' as AppId)));
  for (const one of sequence(5)) await replica.lanes.write(sequence(20).map((part) => newMessage('hanging' as AppId, `call ${part}`, one)));
  const beside = await latencies();
  expect(beside).toBeLessThan(Math.max(2 * alone, alone + 20));
}, 60_000);

test('however many receivers hang, they have half of the requests that may be under way, each in its turn, and one that answers goes on', async () => {
  const replica = start({ REQUESTS_AT_ONCE: 10, REQUEST_TIMEOUT_MS: 500 });
  await endpoint(replica, '/well', {}, 'other' as AppId);
  await replica.lanes.write([newMessage('other' as AppId, 'call', 1)]);
  await eventually('it being known to answer', () => receivers.of('/well').length === 1);
  const asked: string[] = [];
  for (const number of sequence(40)) {
    receivers.answers.set(`/hang/${number}`, () => {
      asked.push(`${number}`);
      return 'nothing';
    });
  }
  await Promise.all(sequence(40).map((number) => endpoint(replica, `/hang/${number}`, {}, 'hanging' as AppId)));
  await replica.lanes.write(sequence(3).map((one) => newMessage('hanging' as AppId, `call ${one}`, 1)));
  await eventually('some hanging', () => asked.length > 0);
  await sleep(100);
  expect(asked.length).toBeLessThanOrEqual(5);
  for (const one of sequence(20)) {
    await replica.lanes.write([newMessage('other' as AppId, 'call', one + 1)]);
    await eventually('it', () => receivers.of('/well').length === one + 1, 1000);
  }
  await eventually('the turn of each that hangs', () => new Set(asked).size === 40, 15_000);
}, 40_000);

test('of two replicas the owner is killed in the middle: within ten seconds all is delivered, and what was not on record at most twice', async () => {
  const both = [start(), start()] as const;
  await endpoint(both[0], '/a');
  await sleep(2500);
  await both[0].lanes.write([newMessage(app, 'first', 1)]);
  const records = ({ statements }: Replica) => statements.some((text) => text.includes('record_deliveries'));
  await eventually('the owner', () => both.some(records), 10_000);
  const [owner, other] = records(both[0]) ? both : [both[1], both[0]];
  const written = (async () => {
    // Events come to the one that does not own them.
    for (const one of sequence(100)) await other.lanes.write(sequence(10).map((part) => newMessage(app, `call ${part}`, one)));
  })();
  await eventually('some', () => receivers.of('/a').length > 200, 20_000);
  await owner.kill();
  const killedAt = performance.now();
  replicas = [other];
  await written;
  const distinct = () => new Set(receivers.of('/a').map(({ messageId }) => messageId)).size;
  await eventually('all of it', () => distinct() === 1001, 15_000);
  expect(performance.now() - killedAt).toBeLessThan(10_000);
  expect(receivers.of('/a').length).toBeLessThan(1001 + 250);
  for (const ofCall of Map.groupBy(receivers.of('/a'), ({ subject }) => subject).values()) {
    const firsts = [...new Map(ofCall.map((one) => [one.sequence, one])).keys()];
    expect(firsts, 'each for the first time in order').toEqual(firsts.toSorted((one, before) => one - before));
  }
  await eventually('nothing in the inbox', async () => (await rows('inbox')) === 0);
}, 60_000);

test('a stop hands over what hangs, and its successor delivers it at once', async () => {
  const first = start();
  await endpoint(first, '/a');
  receivers.answers.set('/a', () => 'nothing');
  await first.lanes.write([1, 2, 3].map((one) => newMessage(app, `call ${one}`, one)));
  await sleep(300);
  const before = performance.now();
  await first.lanes.beforeApplicationShutdown();
  expect(performance.now() - before).toBeLessThan(3500);
  receivers.answers.delete('/a');
  replicas = [];
  start();
  await eventually('all', () => receivers.of('/a').length === 3, 10_000);
  expect(await rows('undelivered')).toBe(0);
}, 30_000);

test('deliveries that the release before left waiting go on, under their ids', async () => {
  const replica = start();
  const endpointId = await endpoint(replica, '/a');
  const deliveryId = '00000000-0000-7000-8000-00000000aaaa';
  await schema.query(
    `INSERT INTO deliveries (delivery_id, endpoint_id, app_id, event_id, event_type, key, body, attempts, next_attempt_at)
     VALUES ($1, $2, 'app', gen_random_uuid(), 'call.ended', 'call', $3, 1, now())`,
    [
      deliveryId,
      endpointId,
      JSON.stringify({ type: 'call.ended', timestamp: '2026-11-28T00:00:00.000Z', data: { appId: 'app', callId: 'call', sequence: 9 } }),
    ],
  );
  await schema.query(
    "INSERT INTO attempts (delivery_id, attempt, at, status, error, duration_ms) VALUES ($1, 1, now() - interval '1 minute', 500, 'answered 500', 3)",
    [deliveryId],
  );
  await eventually('it', () => receivers.of('/a').length === 1, 15_000);
  expect(receivers.of('/a')).toEqual([{ messageId: deliveryId, sequence: 9, subject: 'call' }]);
  await eventually('its record', async () => (await newestDeliveries(schema, app, { limit: 10 }))[0]?.attempts.length === 2);
  expect(await newestDeliveries(schema, app, { limit: 10 })).toMatchObject([
    { deliveryId, state: 'delivered', attempts: [{ status: 500 }, { status: 204 }] },
  ]);
}, 30_000);

test('one that is to begin at a place that is kept no more is refused, told what is missing, and stays disabled; the oldest place is taken', async () => {
  const replica = start();
  const endpointId = await endpoint(replica, '/late');
  const day = 86_400_000;
  await makeDays(schema as never, { table: 'messages', by: 'occurred_at', keepDays: 2 }, Date.now() - 3 * day, 1);
  const old = (one: number) => ({ ...newMessage(app, 'call', one), occurredAt: new Date(Date.now() - 3 * day).toISOString() });
  await replica.lanes.write([old(1), old(2), newMessage(app, 'call', 3)]);
  await eventually('all three', () => receivers.of('/late').length === 3);
  await replica.store.stop(app, endpointId);
  receivers.arrived.clear();
  await dropDays(schema as never, { table: 'messages', by: 'occurred_at', keepDays: 2, onGone: noteGone }, Date.now());
  const oldest = writeCursor({ appId: app, position: 2 });
  for (const place of ['0', writeCursor({ appId: app, position: 1 })]) {
    const skipped = place === '0' ? 2 : 1;
    await expect(replica.store.enable(app, endpointId, place)).rejects.toMatchObject({
      code: 'position_expired',
      passedOver: { skipped, oldest },
    });
  }
  expect((await replica.store.get(app, endpointId)).disabledReason).toBe('disabled by request');
  await replica.store.enable(app, endpointId, oldest);
  await eventually('what is kept', () => receivers.of('/late').length === 1, 15_000);
  expect(receivers.of('/late').map((one) => one.sequence)).toEqual([3]);
}, 40_000);

test('an endpoint that begins at an earlier place gets what was kept before it, and one at a place of another app is refused', async () => {
  const replica = start();
  await endpoint(replica, '/first');
  for (const one of sequence(10)) await replica.lanes.write([newMessage(app, 'call', one)]);
  await eventually('all', () => receivers.of('/first').length === 10);
  await endpoint(replica, '/second', { from: writeCursor({ appId: app, position: 4 }) });
  await eventually('the rest', () => receivers.of('/second').length === 6);
  await replica.lanes.write([newMessage(app, 'call', 11)]);
  await eventually('what comes', () => receivers.of('/second').length === 7);
  expect(receivers.of('/second').map((one) => one.sequence)).toEqual([5, 6, 7, 8, 9, 10, 11]);
  const elsewhere = writeCursor({ appId: 'other' as AppId, position: 1 });
  await expect(endpoint(replica, '/third', { from: elsewhere })).rejects.toMatchObject({ code: 'invalid_request' });
  expect(await rows('endpoints')).toBe(2);
}, 30_000);
