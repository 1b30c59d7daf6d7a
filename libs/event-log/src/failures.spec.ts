import { anyEventSchema } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { faultOf, InfrastructureError, isInfrastructureFailure } from './failures.js';

const sql = (message: string, code: string) => Object.assign(new Error(message), { code });

test.each([
  ['a lost database connection', new Error('Connection terminated unexpectedly')],
  ['a database that is shutting down', sql('terminating connection', '57P01')],
  ['a deadlock', sql('deadlock detected', '40P01')],
  ['a lock that was not to be had in time', sql('canceling statement due to lock timeout', '55P03')],
  ['a statement that took too long', sql('canceling statement due to statement timeout', '57014')],
  ['an answer that took too long', new Error('Query read timeout')],
  ['a refused connection', Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })],
  ['a broker that is away', Object.assign(new Error('x'), { name: 'KafkaJSConnectionError' })],
  ['a service that does not answer, deep inside', new Error('outer', { cause: new InfrastructureError('inner') })],
  ['a request that found nobody', new TypeError('fetch failed', { cause: sql('connect', 'ECONNREFUSED') })],
])('%s is infrastructure: waited for without end', (_what, error) => {
  expect(isInfrastructureFailure(error)).toBe(true);
  expect(faultOf(error)).toBe('infrastructure');
});

test.each([
  ['a column', sql('column "x" does not exist', '42703')],
  ['a table', sql('relation "x" does not exist', '42P01')],
  ['a function', sql('function x() does not exist', '42883')],
])('%s that is missing during a rolling change is waited for', (_what, error) => {
  expect(faultOf(error)).toBe('infrastructure');
});

test.each([
  ['a bug', new TypeError('x is not a function')],
  ['a broken constraint', sql('duplicate key', '23505')],
  ['a text the database refuses', sql('unsupported Unicode escape sequence', '22P05')],
  ['data against its schema', anyEventSchema.safeParse({}).error],
  ['data that is no JSON', caught(() => JSON.parse('{'))],
])("%s is the event's own fault", (_what, error) => {
  expect(faultOf(error)).toBe('event');
});

test.each([
  ['a wrong statement', sql('syntax error', '42601')],
  ['a plain error', new Error('it did not work')],
  ['something that is no error', 'oops'],
])('%s is unclear: it is told by whether others succeed', (_what, error) => {
  expect(faultOf(error)).toBe('unclear');
});

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
