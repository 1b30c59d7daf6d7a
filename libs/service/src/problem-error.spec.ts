/* A problem says whether anything was decided: only what was not may fare better when it is asked again. */
import { expect, test } from 'vitest';
import { ProblemError } from './problem-error.js';

const lost = Object.assign(new Error('no connection'), { code: 'ECONNREFUSED' });

test.each([
  ['a database that is away', new ProblemError('service_unavailable', undefined, { cause: lost }), true],
  [
    'another service that does not answer',
    new ProblemError('service_unavailable', 'x', { cause: new Error('asking', { cause: lost }) }),
    true,
  ],
  ['a refusal', new ProblemError('service_unavailable', 'Nobody would ring'), undefined],
  ['a refusal for a reason in the request', new ProblemError('invalid_request', 'x', { cause: new TypeError('x') }), undefined],
])('%s', (_what, problem, undecided) => {
  expect(problem.toProblem().undecided).toBe(undecided);
});
