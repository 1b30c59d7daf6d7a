/*
 * Offsets are committed together and now and then; never an older one over a newer one, and none that may be another's.
 */
import type { TopicPartitionOffsetAndMetadata } from 'kafkajs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { OffsetCommits } from './offset-commits.js';

let sent: string[][];
let answers: (Error | undefined)[];
let errors: unknown[];
let commits: OffsetCommits;

beforeEach(() => {
  vi.useFakeTimers();
  [sent, answers, errors] = [[], [], []];
  const commit = async (offsets: TopicPartitionOffsetAndMetadata[]) => {
    sent.push(offsets.map(({ topic, partition, offset }) => `${topic}/${partition}@${offset}`));
    const answer = answers.shift();
    if (answer) throw answer;
  };
  commits = new OffsetCommits({ commit, onError: (error) => errors.push(error) });
});
afterEach(() => {
  vi.useRealTimers();
});

test('what is handled within a second is committed in one request, each partition where it is by then', async () => {
  commits.handled('calls', 1, '41');
  commits.handled('calls', 2, '7');
  commits.handled('calls', 1, '42');
  await vi.advanceTimersByTimeAsync(999);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toEqual([['calls/1@43', 'calls/2@8']]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toHaveLength(1);
});

test('a flush commits at once, and nothing where nothing is new', async () => {
  commits.handled('calls', 1, '41');
  await commits.flush();
  await commits.flush();
  await vi.advanceTimersByTimeAsync(5000);
  expect(sent).toEqual([['calls/1@42']]);
});

test('what the brokers did not take is committed with the next, and never over a newer one', async () => {
  answers = [new Error('away')];
  commits.handled('calls', 1, '41');
  commits.handled('calls', 2, '7');
  const flushing = commits.flush();
  commits.handled('calls', 1, '50');
  await flushing;
  await vi.advanceTimersByTimeAsync(2000);
  expect(sent).toEqual([
    ['calls/1@42', 'calls/2@8'],
    ['calls/1@51', 'calls/2@8'],
  ]);
  expect(errors).toEqual([new Error('away')]);
});

test.each(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'])('after %s nothing is tried again', async (type) => {
  answers = [Object.assign(new Error('no'), { type })];
  commits.handled('calls', 1, '41');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toHaveLength(1);
  expect(errors).toEqual([]);
});

test('once over, nothing is committed', async () => {
  commits.handled('calls', 1, '41');
  commits.end();
  commits.handled('calls', 1, '42');
  await commits.flush();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sent).toEqual([]);
});
