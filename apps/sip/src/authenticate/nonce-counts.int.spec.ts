/* Each count of a nonce is good for one request: in whatever order they come, at however many replicas at once. */
import type { Postgres } from '@communication-center/service';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { subscriptions } from '../migrations/1-subscriptions.js';
import { noncesAndDialogs } from '../migrations/8-nonces-and-dialogs.js';
import { NonceCounts } from './nonce-counts.js';

let schema: TestSchema;
let [here, there]: NonceCounts[] = [];

beforeAll(async () => {
  schema = await TestSchema.migrated(new Fleet(), [subscriptions, noncesAndDialogs]);
  [here, there] = [new NonceCounts(schema as unknown as Postgres), new NonceCounts(schema as unknown as Postgres)];
});
afterAll(() => schema.drop());

const used = (count: number, name: string, nonce = 'n') => ({ nonce, count, name });

test('the very same request is let through again, another one with its count is not', async () => {
  expect(await here?.take(used(1, 'one'))).toBe(true);
  expect(await there?.take(used(1, 'one'))).toBe(true);
  expect(await there?.take(used(1, 'two'))).toBe(false);
  expect(await here?.take(used(1, 'one'))).toBe(true);
  expect(await here?.take(used(1, 'two', 'another nonce'))).toBe(true);
});

test('counts come in any order, each once', async () => {
  for (const count of [9, 7, 8, 0xffff_ffff]) expect(await here?.take(used(count, `first of ${count}`))).toBe(true);
  for (const count of [9, 7, 8, 0xffff_ffff]) expect(await there?.take(used(count, `second of ${count}`))).toBe(false);
});

test('of many requests with one count that come at once, one is let through', async () => {
  const all = await Promise.all(Array.from({ length: 40 }, (_, number) => (number % 2 ? here : there)?.take(used(20, `of ${number}`))));
  expect(all.filter(Boolean)).toHaveLength(1);
});
