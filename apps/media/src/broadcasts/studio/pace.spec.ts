/* Pictures are made at an even pace; where time was lost it is left out, and each picture is still known by its time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linesIn } from './messages.js';
import { Pace } from './pace.js';

test('over any time without a pause as many pictures are made as there is time for', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 100 }), (pauses) => {
      const pace = new Pace(20, 1000);
      let [now, made] = [1000, 0];
      for (const pause of pauses) {
        now += pause;
        made += pace.due(now, false);
      }
      expect(made).toBe(Math.floor((now - 1000) / 50));
      expect(pace.timeOf(made)).toBeLessThanOrEqual(now);
      expect(pace.timeOf(made)).toBeGreaterThan(now - 51);
    }),
  );
});

test('who stood still makes up for nothing, and knows when what follows was made', () => {
  const pace = new Pace(20, 0);
  expect(pace.due(100, false)).toBe(2);
  expect(pace.due(60_100, false)).toBe(0);
  expect([pace.due(60_150, false), pace.due(60_200, false)]).toEqual([1, 1]);
  expect([pace.timeOf(0), pace.timeOf(1), pace.timeOf(2), pace.timeOf(3)]).toEqual([0, 50, 60_100, 60_150]);
});

test('nothing is due while whoever takes it is late, and time is left out meanwhile', () => {
  const pace = new Pace(20, 0);
  expect([pace.due(100, true), pace.due(200, true), pace.due(250, false)]).toEqual([0, 0, 1]);
  expect(pace.timeOf(0)).toBe(200);
});

test('lines are told apart in whatever pieces they come', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,9}$/)), fc.nat(30), (lines, at) => {
      const text = lines.map((line) => `${line}\n`).join('');
      const first = linesIn(text.slice(0, at));
      const second = linesIn(first.rest + text.slice(at));
      expect([...first.lines, ...second.lines]).toEqual(lines);
    }),
  );
});
