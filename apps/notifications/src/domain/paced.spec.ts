import { expect, test } from 'vitest';
import { paced } from './paced.js';

const due = (turn: string, count: number) => Array.from({ length: count }, (_, number) => ({ turn, rowId: `${turn} ${number}` }));

test('an app with thousands that wait has as many taken up as may be sent until it is looked again, spread over that time', () => {
  const jobs = paced(due('busy', 5000), 20, 5000);
  expect(jobs).toHaveLength(200);
  expect(jobs.slice(0, 3).map(({ delayMs }) => delayMs)).toEqual([0, 25, 50]);
  expect(jobs.at(-1)?.delayMs).toBe(4975);
});

test('no app waits for another', () => {
  const jobs = paced([...due('busy', 500), ...due('quiet', 2)], 20, 5000);
  expect(jobs.filter(({ one }) => one.turn === 'quiet').map(({ delayMs }) => delayMs)).toEqual([0, 25]);
});

test('who may send thousands has all of it taken up', () => {
  expect(paced(due('fast', 500), 10_000, 5000)).toHaveLength(500);
});
