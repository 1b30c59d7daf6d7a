import { expect, test } from 'vitest';
import { answerIn } from './sms-answers.js';

const said = (text: string, more: object = {}) =>
  answerIn({ esm_class: 0, source_addr: '4915112345678', source_addr_ton: 1, text, ...more });

test.each(['STOP', 'stop', ' Stop. ', 'STOPALL', 'Unsubscribe!', 'END', '"quit"', 'cancel'])('%j ends it', (text) =>
  expect(said(text)).toEqual({ number: '+4915112345678', wish: 'stop' }),
);

test.each(['START', 'Unstop'])('%j begins it again', (text) => expect(said(text)?.wish).toBe('start'));

test.each(['', 'please do not stop', 'STOP calling me at night', 'the end', 'yes', 'S'.repeat(10_000)])('%j says nothing of it', (text) =>
  expect(said(text)).toBeUndefined(),
);

test('a receipt is no answer, whatever its text', () => expect(said('STOP', { esm_class: 4 })).toBeUndefined());

test('a number that is not told in full is nobody’s for sure', () => {
  expect(said('STOP', { source_addr_ton: 2, source_addr: '015112345678' })).toBeUndefined();
  expect(said('STOP', { source_addr: 'Shop' })).toBeUndefined();
  expect(said('STOP', { source_addr: undefined })).toBeUndefined();
});
