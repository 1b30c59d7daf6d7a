/*
 * The price of a call is told by differences of counters: what a call costs, an idle second, and where the page takes the table.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { difference } from '../bench/price/counters.mjs';
import { marks } from '../bench/price/docs.mjs';
import { PresenceTimes, setClock } from '../bench/price/presence-times.mjs';
import { figuresOf, percentile, rowsOf } from '../bench/price/report.mjs';

const reading = (at: number, { cpu = 0, statements = 0, fetches = 0 } = {}) => ({
  at,
  cpu: { calls: cpu },
  kafka: { calls: { Fetch: fetches } },
  statements: statements > 0 ? [{ role: 'calls', id: '1', text: 'SELECT 1', calls: statements, ms: statements }] : [],
  commits: statements,
  flushes: 0,
});

test('what was used between two readings is told for each call, and for each second, those counters included that began between', () => {
  const used = difference(reading(10), reading(20, { cpu: 2, statements: 50, fetches: 30 }));
  const load = { finished: 20, skipped: 0, refused: {}, samples: { 'dial to ring': [1, 2, 3] } };
  const figures = figuresOf({ name: '2/s', used, load });
  expect(figures.callsPerSecond).toBe(2);
  expect(figures.cpuMs.calls).toEqual({ perCall: 100, perSecond: 200 });
  expect(figures.statementsOf.calls).toEqual({ perCall: 2.5, perSecond: 5 });
  expect(figures.kafkaByKind.Fetch).toEqual({ perCall: 1.5, perSecond: 3 });
  expect(figures.latencies['dial to ring']).toEqual({ p50: 2, p99: 3, count: 3 });
});

test('idle seconds are told as such, and every row has a cell for every load', () => {
  const idle = figuresOf({ name: 'idle', used: difference(reading(0), reading(10, { cpu: 1 })), load: undefined });
  const load = { finished: 10, skipped: 0, refused: {}, samples: { 'dial to ring': [8], presence: [30] } };
  const busy = figuresOf({ name: '1/s', used: difference(reading(0), reading(10, { cpu: 3 })), load });
  const rows = rowsOf({ phases: [idle, busy], floor: { oneHop: { p50: 4 }, twoHops: { p50: 10 } } });
  expect(rows.every((row) => row.length === 3)).toBe(true);
  const cells = (name: string) => rows.filter(([first]) => first === name).map(([, ...rest]) => rest);
  expect(cells('CPU-ms a call, all')).toEqual([['100/s', '300']]);
  expect(cells('  as a multiple of the floor').filter(([, cell]) => cell !== '')).toEqual([
    ['', '2.0×'],
    ['', '3.0×'],
  ]);
});

test('a percentile is one of the numbers', () => {
  expect([percentile([3, 1, 2], 50), percentile([3, 1, 2], 99), percentile([], 50)]).toEqual([2, 3, Number.NaN]);
});

test('the page on performance has the marks between which the table is written', () => {
  const page = readFileSync(new URL('../docs/performance.md', import.meta.url), 'utf8');
  const [from = -1, to = -1] = marks.map((mark) => page.indexOf(mark));
  expect(from).toBeGreaterThan(0);
  expect(to).toBeGreaterThan(from);
});

test('a change of presence arrives once for each state of a call, in each app by itself, and names what caused it', () => {
  const times = new PresenceTimes();
  setClock();
  const seen = (appId: string, ...calls: object[]) => times.arrived(appId, { userAlias: 'alice', calls });
  const before = Date.now();
  seen('a', { callId: 'one', state: 'dialing' });
  seen('a', { callId: 'one', state: 'dialing' });
  seen('b', { callId: 'other', state: 'ringing' });
  seen('a', { callId: 'one', state: 'connected' });
  seen('a');
  const arrived = times.take();
  expect(arrived.map(({ callId, cause }) => `${callId} ${cause}`)).toEqual([
    'one call.dialed',
    'other call.dialed',
    'one call.answered',
    'one call.ended',
  ]);
  for (const { at } of arrived) expect(Math.abs(at - before)).toBeLessThan(1000);
  expect(times.take()).toEqual([]);
});
