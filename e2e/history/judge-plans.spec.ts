import { expect, test } from 'vitest';
import { judgePlans } from './judge-plans.js';

const rows = new Map([
  ['calls.events', 20_000],
  ['calls.apps', 10],
]);
const ran = (kind: string, scan: { table: string; isWhole: boolean; rows: number }) => ({
  service: 'calls',
  kind,
  statement: 'SELECT',
  milliseconds: 1,
  scans: [scan],
});

test('a big table that is read from end to end is a fault, once, whoever does it; a small one is none', () => {
  const whole = ran('jobs', { table: 'events', isWhole: true, rows: 20_000 });
  expect(judgePlans([whole, whole], rows)).toEqual(['reads all of events (2 times): calls (jobs): SELECT']);
  expect(judgePlans([ran('jobs', { table: 'apps', isWhole: true, rows: 10 })], rows)).toEqual([]);
});

test('a thousand rows for one question are a fault, unless nobody waits for it', () => {
  const many = { table: 'events', isWhole: false, rows: 1000 };
  expect(judgePlans([ran('reads', many)], rows)).toEqual(['reads 1000 rows (1 times): calls (reads): SELECT']);
  expect(judgePlans([ran('relay', many), ran('reads', { ...many, rows: 999 })], rows)).toEqual([]);
});

test('a statement that asks for many at once may read more', () => {
  const many = { ...ran('consumers', { table: 'events', isWhole: false, rows: 5000 }), statement: 'SELECT unnest($1)' };
  expect(judgePlans([many], rows)).toEqual([]);
});
