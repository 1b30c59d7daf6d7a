/* A job hands over what is asked for, and nothing that is sent anyway. */
import { expect, test } from 'vitest';
import { isHandedOver, type JobKind } from './handed-over.js';

const delivered = { attempts: 1, isWaiting: false, isToCome: false, isWanted: true };
const never = { ...delivered, attempts: 0 };
const kinds: JobKind[] = ['replay', 'recover', 'never_attempted'];
const handed = (standing: typeof delivered) => kinds.filter((kind) => isHandedOver(kind, standing));

test('what was delivered is replayed, what nobody tried is so as well', () => {
  expect(handed(delivered)).toEqual(['replay', 'recover']);
  expect(handed(never)).toEqual(kinds);
});

test('what the endpoint does not want now is not sent, but what it was given once is recovered', () => {
  expect(handed({ ...never, isWanted: false })).toEqual(['recover']);
});

test('what waits, or is to come in the log, is left to that', () => {
  expect(handed({ ...never, isWaiting: true })).toEqual([]);
  expect(handed({ ...never, isToCome: true })).toEqual([]);
});
