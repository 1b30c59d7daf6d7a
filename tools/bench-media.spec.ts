/*
 * What media cost is told beside the floor of the same run, and what a Janus holds is the most that it held.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { marks, sentencesOf, tablesOf } from '../bench/media/report.mjs';

const row = (calls: number, size: number, holds: boolean) => ({
  ...{ calls, size, streams: calls * size * 2 * size, lossPercent: holds ? 0 : 4, janus: 0.2, peers: 0.3 },
  ...{ delayP50: 1, delayP99: 2, packetsPerSecond: 5000, tracks: 1, holds },
});
const load = { twos: [row(10, 2, true), row(20, 2, true), row(40, 2, false)], sixes: [row(1, 6, false)] };
const result = {
  kbps: 500,
  pages: { answered: [300, 200, 250], called: [260], floor: [100] },
  rooms: { first: [4], second: [3], atRest: [20], bare: [2] },
  load,
};

test('times are told with their multiples of the floor, and loads by the stream', () => {
  const [times = [], loads = []] = tablesOf(result);
  expect(times[1]).toEqual(['answer → first picture decoded, who answered', '250', '300', '2.50×', '3']);
  expect(times.map(([, , , of]) => of)).toEqual(['of the floor, p50', '2.50×', '2.60×', '', '2.00×', '1.50×', '10.0×', '']);
  expect(loads[1]?.slice(0, 4)).toEqual(['10 of 2', '80', '20.0', '0.25']);
  expect(loads.map((cells) => cells.at(-1))).toEqual(['holds', 'yes', 'yes', 'no', 'no']);
});

test('what is held is the most that was; of a size of which nothing was, nothing is said', () => {
  expect(sentencesOf(result).join()).toContain('20 calls of 2 (160 streams, 20.0 % of a core, 0.13 % a stream).');
  expect(sentencesOf({ kbps: 500, load: { twos: load.twos.slice(0, 1), sixes: [] } }).join()).toContain('at least 10 calls of 2');
  expect(sentencesOf({ kbps: 500, load: { twos: [], sixes: [] } }).join()).toContain('none of what was tried');
  expect(sentencesOf({ kbps: 500 })).toEqual([]);
});

test('docs/performance.md has the place that the tables go to', () => {
  const page = readFileSync(new URL('../docs/performance.md', import.meta.url), 'utf8');
  const [first = '', last = ''] = marks;
  expect(page.indexOf(first)).toBeGreaterThan(0);
  expect(page.indexOf(last)).toBeGreaterThan(page.indexOf(first));
});
