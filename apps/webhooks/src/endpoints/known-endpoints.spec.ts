import type { AppId } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { KnownEndpoints, trustedMs } from './known-endpoints.js';

const app = (number: number) => `app-${number}` as AppId;

test('no more is remembered than there is room for: what was read first is read again, and nothing is ever missing', async () => {
  const loaded: AppId[] = [];
  const load = async (appIds: readonly AppId[]) => {
    loaded.push(...appIds);
    return appIds.map((appId) => ({ appId, endpoint: `endpoint of ${appId}` }));
  };
  const sql = { query: async () => ({ rows: [{ version: '0', are_any: true, changed: null }], rowCount: 1 }) };
  const known = new KnownEndpoints(sql as never, load, 20);
  for (let number = 0; number < 12; number += 1) expect(await known.of([app(number)])).toEqual([`endpoint of app-${number}`]);
  expect(loaded).toHaveLength(12);
  await known.of(Array.from({ length: 10 }, (_, index) => app(index + 2)));
  expect(loaded, 'ten apps with an endpoint each have room').toHaveLength(12);
  expect(await known.of([app(0), app(11)])).toEqual(['endpoint of app-0', 'endpoint of app-11']);
  expect(loaded).toEqual([...Array.from({ length: 12 }, (_, index) => app(index)), app(0)]);
});

test('where more apps have changed than can be named, all are read again', async () => {
  let changed: AppId[] | null = null;
  const loaded: AppId[] = [];
  const load = async (appIds: readonly AppId[]) => {
    loaded.push(...appIds);
    return [];
  };
  const sql = { query: async () => ({ rows: [{ version: '7', are_any: true, changed }], rowCount: 1 }) };
  const known = new KnownEndpoints(sql as never, load);
  await known.of([app(1)]);
  changed = Array.from({ length: 1001 }, (_, index) => app(index + 100));
  await new Promise((resolve) => setTimeout(resolve, 600));
  await known.of([app(1)]);
  expect(loaded).toEqual([app(1), app(1)]);
});

test('nobody waits while no app has an endpoint, for as long as that is known', async () => {
  let areAny = true;
  const sql = { query: async () => ({ rows: [{ version: '0', are_any: areAny, changed: null }], rowCount: 1 }) };
  const known = new KnownEndpoints(sql as never, async () => []);
  expect(known.nobodyWaitsForMs(), 'nothing is known').toBe(0);
  await known.of([app(1)]);
  expect(known.nobodyWaitsForMs(), 'some app has one').toBe(0);
  areAny = false;
  await new Promise((resolve) => setTimeout(resolve, trustedMs + 50));
  await known.of([app(1)]);
  expect(known.nobodyWaitsForMs()).toBeGreaterThan(trustedMs - 100);
  expect(known.nobodyWaitsForMs()).toBeLessThanOrEqual(trustedMs);
  await new Promise((resolve) => setTimeout(resolve, trustedMs + 50));
  expect(known.nobodyWaitsForMs(), 'it was known').toBe(0);
});

test('what weighs more leaves room for less', async () => {
  const loaded: AppId[] = [];
  const load = async (appIds: readonly AppId[]) => {
    loaded.push(...appIds);
    return appIds.map((appId) => ({ appId, endpoint: 50 }));
  };
  const sql = { query: async () => ({ rows: [{ version: '0', are_any: true, changed: null }], rowCount: 1 }) };
  const known = new KnownEndpoints<number>(sql as never, load, 110, (weight) => weight);
  for (const number of [1, 2, 1, 2]) await known.of([app(number)]);
  expect(loaded, 'two have room').toEqual([app(1), app(2)]);
  await known.of([app(3)]);
  await known.of([app(2), app(3)]);
  expect(loaded, 'the oldest was forgotten').toEqual([app(1), app(2), app(3)]);
  await known.of([app(1)]);
  expect(loaded).toHaveLength(4);
});
