/* What is kept of answers has an end in time and in bytes, whoever asks and whatever it calls its requests. */
import { expect, test } from 'vitest';
import { Answers } from './answers.js';

test('a repeat finds the answer for half a minute, and not for longer', () => {
  const answers = new Answers();
  answers.set('one', '', 0);
  expect(answers.get('one')).toBe('');
  answers.set('one', 'SIP/2.0 200 OK', 10);
  answers.set('two', '', 31_999);
  expect(answers.get('one')).toBe('SIP/2.0 200 OK');
  answers.set('two', 'x', 32_001);
  expect([answers.get('one'), answers.get('two')]).toEqual([undefined, 'x']);
});

test('however many ask, and however long their answers are, so many bytes are kept and no more: the newest', () => {
  const answers = new Answers(100_000);
  for (let n = 0; n < 1000; n += 1) answers.set(`${n}`.repeat(1000), 'x'.repeat(9800), 1);
  const kept = Array.from({ length: 1000 }, (_, n) => answers.get(`${n}`.repeat(1000)) !== undefined);
  expect(kept.lastIndexOf(true)).toBe(999);
  expect(kept.filter(Boolean).length).toBe(10);
});

test('an answer too long to be kept leaves nothing behind', () => {
  const answers = new Answers(1000);
  answers.set('one', 'x'.repeat(2000), 1);
  expect(answers.get('one')).toBeUndefined();
  answers.set('two', 'y', 1);
  expect(answers.get('two')).toBe('y');
});
