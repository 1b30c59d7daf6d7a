/*
 * Operators read of each replica what its part of the product does now: sockets, rings, consumers and how far they are behind,
 * parked keys, deliveries, and what it publishes.
 */

import { services } from '@communication-center/contracts/services';
import { eventually, Fleet, Phones, type ProcessName, ringOf, serviceNames, type TestApp } from '@communication-center/testing';
import { afterEach, beforeAll, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let app: TestApp;

beforeAll(async () => {
  app = await fleet.makeApp();
  for (const name of ['alice', 'bob']) await fleet.makeUser(app, name);
});
afterEach(() => phones.closeAll());

const figure = async (replica: ProcessName, name: string) => (await fleet.figuresOf(replica)).get(name);
/** @returns the sum of a figure over all replicas of a service. */
const total = async (service: ProcessName, name: string) =>
  (await Promise.all(fleet.replicasOf(service).map((replica) => figure(replica, name)))).reduce<number>((sum, one) => sum + (one ?? 0), 0);

test('sockets that are open and people who are being rung are counted', async () => {
  const [alice, bob] = await Promise.all([phones.connect(app, 'alice'), phones.connect(app, 'bob')]);
  expect(await total('gateway', 'open_sockets')).toBeGreaterThanOrEqual(2);
  const call = await alice.center.call(['bob']);
  await ringOf(bob);
  expect(await figure('calls', 'calls_rings')).toBeGreaterThanOrEqual(1);
  await call.hangUp();
});

test('the events of the weeks to come have their partitions', async () => {
  await eventually('partitions for seven weeks and more', async () => ((await figure('calls', 'event_weeks_ahead')) ?? 0) > 7);
});

test('every consumer tells that it runs and how far it is behind, on every topic that its service reads', async () => {
  for (const { name, reads } of services.filter(({ reads }) => reads.length > 0)) {
    const known = async () => {
      const figures = [...(await fleet.figuresOf(name))];
      const lags = figures.filter(([one]) => one.startsWith('consumer_lag_events{'));
      const running = figures.filter(([one]) => one.startsWith('consumer_running{'));
      const topics = new Set(lags.map(([one]) => /topic="([^"]+)"/.exec(one)?.[1]));
      return reads.every((topic) => topics.has(topic)) && running.length > 0 && running.every(([, value]) => value === 1) && lags;
    };
    const lags = await eventually(`the figures of the consumers of ${name}`, known, 30_000);
    expect(lags.every(([, events]) => events >= 0)).toBe(true);
  }
});

test('all parts of the outbox are published by somebody, who tells how much and when', async () => {
  await eventually('all sixteen parts having an owner', async () => (await total('directory', 'relay_shards')) === 16);
  const before = await total('directory', 'relay_published_total');
  const began = Date.now() / 1000;
  await fleet.makeUser(app, 'carol');
  await eventually('one more being published', async () => (await total('directory', 'relay_published_total')) > before);
  const at = await Promise.all(fleet.replicasOf('directory').map((replica) => figure(replica, 'relay_last_published_seconds')));
  expect(Math.max(...at.filter((one) => one !== undefined && !Number.isNaN(one)).map(Number))).toBeGreaterThan(began - 1);
});

test('deliveries that wait are counted, as are the lanes in which they do', async () => {
  await fleet.rest('POST', '/v1/webhook-endpoints', app.key, { url: 'http://127.0.0.1:9/nobody' });
  const [alice] = await Promise.all([phones.connect(app, 'alice'), phones.connect(app, 'bob')]);
  const call = await alice.center.call(['bob']);
  await eventually('a delivery that waits', async () => ((await figure('webhooks', 'webhook_deliveries_waiting')) ?? 0) > 0);
  for (const name of [
    'webhook_lanes',
    'webhook_lanes_full',
    'webhook_lane_tasks',
    'webhook_requests_under_way',
    'webhook_lanes_without_place',
  ])
    expect(await figure('webhooks', name)).toBeGreaterThanOrEqual(0);
  await call.hangUp();
});

test('every service is ready, and tells of its database, consumers, relay and outbox', async () => {
  for (const name of serviceNames) {
    const { status, details } = await fleet.readinessOf(name);
    expect([name, status, Object.keys(details).sort()]).toEqual([name, 200, ['consumers', 'database', 'outbox', 'relay']]);
  }
});
