/*
 * A step is tried as its schedule says, while there is time; then, or where it was refused, the next one comes at once, and after one that was taken in its time.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { whatComesAfter } from './after-step.js';
import { mailOutcome, type SendOutcome } from './mail-outcome.js';

const steps = [
  { afterSeconds: 0, channel: 'push' as const, template: 't' },
  { afterSeconds: 60, channel: 'email' as const, template: 't' },
];
const tried = (outcome: SendOutcome, more: object = {}) =>
  whatComesAfter({ steps, step: 0, tries: 0, outcome, schedule: [0, 10, 60], leftMs: 3_600_000, ...more }, 0.5);
const later: SendOutcome = { outcome: 'later', reason: 'busy' };
const refused: SendOutcome = { outcome: 'refused', reason: 'no', isOfAddress: false };

test('the next step comes in its time after one that was taken, and at once after one that was not', () => {
  expect(tried({ outcome: 'accepted' })).toMatchObject({ step: 1, delayMs: 60_000, hasEnded: true });
  expect(tried(refused)).toMatchObject({ step: 1, delayMs: 0, reason: 'no' });
  expect(tried(refused, { step: 1 })).toMatchObject({ delayMs: null, outcome: 'done' });
});

test('what may fare better is tried again, when it was asked for where that is later', () => {
  expect(tried(later)).toMatchObject({ step: 0, tries: 1, delayMs: 10_000, hasEnded: false });
  expect(tried({ outcome: 'later', reason: 'busy', retryAfterMs: 90_000 })).toMatchObject({ tries: 1, delayMs: 90_000 });
  expect(tried(later, { tries: 2 })).toMatchObject({ step: 1, hasEnded: true });
  expect(tried(later, { leftMs: 9000 })).toMatchObject({ step: 1, hasEnded: true });
});

test('whatever providers say, a chain comes to its end', () => {
  const any = fc.constantFrom<SendOutcome>({ outcome: 'accepted' }, refused, later, { outcome: 'later', reason: 'x', retryAfterMs: 5 });
  fc.assert(
    fc.property(fc.array(any, { minLength: 8, maxLength: 8 }), (outcomes) => {
      let at = { step: 0, tries: 0 };
      for (const outcome of outcomes) {
        const after = tried(outcome, at);
        if (after.delayMs === null) return;
        expect(after.step > at.step || after.tries > at.tries).toBe(true);
        at = { step: after.step, tries: after.tries };
      }
      expect.unreachable('it goes on after every try at every step');
    }),
  );
});

test('of what a mail server says, that about the mailbox alone ends it for the address', () => {
  const said = (status: number, command: string, code = 'EENVELOPE') => mailOutcome({ status, command, code, message: `${status} no` });
  expect(said(550, 'RCPT TO')).toMatchObject({ outcome: 'refused', isOfAddress: true });
  expect(said(552, 'RCPT TO')).toMatchObject({ outcome: 'refused', isOfAddress: false });
  expect(said(550, 'DATA')).toMatchObject({ outcome: 'refused', isOfAddress: false });
  expect(said(451, 'RCPT TO').outcome).toBe('later');
  expect(said(535, 'AUTH PLAIN', 'EAUTH').outcome).toBe('later');
  expect(said(0, 'CONN', 'ECONNREFUSED').outcome).toBe('later');
  expect(said(0, 'CONN', 'EACCES').outcome).toBe('refused');
});
