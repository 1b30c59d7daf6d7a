/*
 * A replica that does not do its part is out of service; while the brokers are away, which all replicas have alike, none is.
 */
import type { ConsumerHealth } from '@communication-center/event-log';
import { expect, test, vi } from 'vitest';
import { faultsOf, type SeenOfLog } from './readiness.js';

const limitMs = 30_000;
const running: ConsumerHealth = { group: 'a.one', state: 'running', hasRun: true, forMs: 1e6 };
const stopped: ConsumerHealth = { group: 'a.two', state: 'stopped', hasRun: true, forMs: 40_000 };
const well = { brokersWellForMs: () => 40_000 };
const away = { brokersWellForMs: () => 0 };

const faults = (seen: Partial<SeenOfLog>) =>
  faultsOf({ consumers: [running], relay: { unprovenMs: 0 }, waitedMs: 0, ...well, ...seen }, limitMs);

test('a replica whose consumers consume and whose events are published is in service, and no broker is asked', () => {
  const brokersWellForMs = vi.fn(() => 0);
  expect(faults({ brokersWellForMs })).toEqual({ stopped: [], waiting: [] });
  expect(brokersWellForMs).not.toHaveBeenCalled();
});

test('a consumer that pauses for its database resumes by itself', () => {
  expect(faults({ consumers: [{ ...running, state: 'paused' }] })).toEqual({ stopped: [], waiting: [] });
});

test('a consumer that has never consumed is not ready yet, whatever the brokers do', () => {
  const starting: ConsumerHealth = { group: 'a.two', state: 'starting', hasRun: false, forMs: 10 };
  for (const brokers of [well, away]) expect(faults({ consumers: [starting], ...brokers }).stopped).toEqual(['a.two']);
});

test('a consumer that has stopped takes its replica out of service, unless the brokers are away', () => {
  const consumers = [running, stopped];
  expect(faults({ consumers })).toEqual({ stopped: ['a.two'], waiting: [] });
  expect(faults({ consumers, ...away })).toEqual({ stopped: [], waiting: ['a.two'] });
});

test('after an outage a consumer has time to begin again: from when the brokers are back', () => {
  const consumers = [{ ...stopped, forMs: 1e6 }];
  expect(faults({ consumers, brokersWellForMs: () => 20_000 })).toEqual({ stopped: [], waiting: ['a.two'] });
  expect(faults({ consumers: [{ ...stopped, forMs: 20_000 }] })).toEqual({ stopped: [], waiting: ['a.two'] });
});

test('events that wait for this replica take it out of service, unless the brokers are away', () => {
  expect(faults({ waitedMs: 40_000 }).relay).toBe('has not published an event for 40 s');
  expect(faults({ waitedMs: 40_000, ...away }).relay).toBeUndefined();
  expect(faults({ waitedMs: 20_000 }).relay).toBeUndefined();
});

test('a relay that holds no part of the outbox for long takes its replica out of service: the brokers have no part in that', () => {
  expect(faults({ relay: { unprovenMs: 40_000 }, ...away }).relay).toBe('holds no part of the outbox for 40 s');
  expect(faults({ relay: { unprovenMs: 20_000 } }).relay).toBeUndefined();
});
