/*
 * An endpoint is told in the version it was made with for ever. There is one version yet, so how older ones are made is proven with
 * versions that never were.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dataAs, newestPayloadVersion, type PayloadVersion, payloadVersionSchema, payloadVersions } from './payload-versions.js';

/** A thing got a unit with its value, then its name changed; another never did. */
const made: PayloadVersion[] = [
  { name: '2025-01-01', downcasts: {} },
  {
    name: '2025-06-01',
    downcasts: { 'thing.measured': ({ value, ...rest }) => ({ ...rest, value: (value as { amount: number }).amount }) },
  },
  { name: '2026-01-01', downcasts: { 'thing.measured': ({ measuredBy, ...rest }) => ({ ...rest, by: measuredBy }) } },
];
/** What was told in each version, as it was recorded then. */
const corpus: Record<string, object> = {
  '2025-01-01': { thing: 'oven', by: 'ann', value: 200 },
  '2025-06-01': { thing: 'oven', by: 'ann', value: { amount: 200, unit: '°C' } },
  '2026-01-01': { thing: 'oven', measuredBy: 'ann', value: { amount: 200, unit: '°C' } },
};
const newest = corpus['2026-01-01'] as Record<string, unknown>;

test.each(Object.entries(corpus))('whoever is pinned to %s is told as was told then', (version, told) => {
  const before = structuredClone(newest);
  expect(dataAs({ type: 'thing.measured', data: newest }, version, made)).toEqual(told);
  expect(newest, 'what is told to others stays as it is').toEqual(before);
});

test('a type that never changed is told alike in every version', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(...made), (data, { name }) => {
      expect(dataAs({ type: 'thing.broken', data }, name, made)).toEqual(data);
    }),
  );
});

test('nobody is told in a version that never was', () => {
  expect(() => dataAs({ type: 'thing.measured', data: newest }, '2025-02-02', made)).toThrow(RangeError);
  expect(payloadVersionSchema.safeParse('2025-02-02').success).toBe(false);
});

test('versions are named by their dates, in order, and the first has nothing before it', () => {
  const names = payloadVersions.map(({ name }) => name);
  expect(names).toEqual(names.toSorted());
  expect(names.filter((name) => !/^\d{4}-\d\d-\d\d$/.test(name) || Number.isNaN(Date.parse(name)))).toEqual([]);
  expect(payloadVersions[0].downcasts).toEqual({});
  expect(payloadVersionSchema.parse(newestPayloadVersion)).toBe(names.at(-1));
});
