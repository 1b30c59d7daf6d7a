import { expect, test } from 'vitest';
import { InfrastructureError, isInfrastructureFailure } from './failures.js';

test.each([
  ['a lost database connection', Object.assign(new Error('Connection terminated unexpectedly'))],
  ['a database that is shutting down', Object.assign(new Error('terminating connection'), { code: '57P01' })],
  ['a deadlock', Object.assign(new Error('deadlock detected'), { code: '40P01' })],
  ['a refused connection', Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })],
  ['a broker that is away', Object.assign(new Error('x'), { name: 'KafkaJSConnectionError' })],
  ['a service that does not answer, deep inside', new Error('outer', { cause: new InfrastructureError('inner') })],
])('%s is infrastructure: waited for without end', (_what, error) => {
  expect(isInfrastructureFailure(error)).toBe(true);
});

test.each([
  ['a bug', new TypeError('x is not a function')],
  ['a broken constraint', Object.assign(new Error('duplicate key'), { code: '23505' })],
  ['a wrong statement', Object.assign(new Error('syntax error'), { code: '42601' })],
  ['something that is no error', 'oops'],
])('%s is deterministic: its key is parked', (_what, error) => {
  expect(isInfrastructureFailure(error)).toBe(false);
});
