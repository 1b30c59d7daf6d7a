/*
 * What is asked while requests are under way goes into the next one, each with its own answer; a service that knows no such request
 * is asked for one after the other.
 */
import { type Outcome, ProblemError } from '@communication-center/service';
import { expect, test } from 'vitest';
import { askTogether } from './ask-together.js';

/** A service that doubles numbers, refuses odd ones, and has a list of its requests. */
function service(refuse?: () => Error | undefined) {
  const requests: number[][] = [];
  const answerTo = (asked: number): Outcome<number> =>
    asked % 2 === 0 ? { done: 2 * asked } : { failed: new ProblemError('forbidden', `${asked}`) };
  const ask = askTogether<number, number>({
    one: async (asked) => {
      requests.push([asked]);
      const answer = answerTo(asked);
      if ('failed' in answer) throw answer.failed;
      return answer.done;
    },
    some: async (asked) => {
      requests.push([...asked]);
      const refusal = refuse?.();
      if (refusal) throw refusal;
      return asked.map(answerTo);
    },
    mostAtOnce: 4,
    whose: () => 'app',
  });
  return { ask, requests };
}

test('one that comes alone is asked for alone', async () => {
  const { ask, requests } = service();
  expect(await ask(2)).toBe(4);
  await expect(ask(3)).rejects.toMatchObject({ code: 'forbidden' });
  expect(requests).toEqual([[2], [3]]);
});

test('those that come together are asked for together, each with an answer of its own', async () => {
  const { ask, requests } = service();
  const answers = await Promise.allSettled([2, 3, 4, 6, 8, 10].map(ask));
  expect(requests).toEqual([
    [2, 3, 4, 6],
    [8, 10],
  ]);
  expect(answers.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as ProblemError).message))).toEqual([
    4,
    '3',
    8,
    12,
    16,
    20,
  ]);
});

test('a service of the release before is asked for one after the other', async () => {
  const { ask, requests } = service(() => new ProblemError('not_found'));
  const answers = await Promise.allSettled([2, 3, 4].map(ask));
  expect(requests).toEqual([[2, 3, 4], [2], [3], [4]]);
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test('a service that does not answer is not asked for each of them in turn', async () => {
  const { ask, requests } = service(() => new ProblemError('service_unavailable'));
  const answers = await Promise.allSettled([2, 4].map(ask));
  expect(requests).toEqual([[2, 4]]);
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
