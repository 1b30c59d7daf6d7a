import { expect, test } from 'vitest';
import { BrokerQuestions } from './broker-questions.js';
import type { EndableAdmin } from './connections.js';

/** Admins in the order they are made; each goes on asking the leader it first heard of. */
class Admins {
  readonly connected: number[] = [];
  readonly gone: number[] = [];
  #made = 0;

  constructor(private readonly isUnreachable: (admin: number) => boolean = () => false) {}

  make(): EndableAdmin {
    this.#made += 1;
    const name = this.#made;
    const connect = async () => {
      if (this.isUnreachable(name)) throw new Error('nobody answers');
      this.connected.push(name);
    };
    const end = async () => void this.gone.push(name);
    const fetchTopicOffsets = async () => {
      if (name < 3) throw new Error('This server is not the leader for that topic-partition');
      return [{ partition: 0, offset: '7', low: '2', high: '7' }];
    };
    return { admin: { connect, fetchTopicOffsets }, end } as unknown as EndableAdmin;
  }
}

test('a leader that moved is found by a new connection, and the old ones are let go', async () => {
  const admins = new Admins();
  const brokers = new BrokerQuestions(() => admins.make());
  expect(await brokers.ends('calls.events')).toEqual([{ partition: 0, low: 2n, high: 7n }]);
  expect(admins.gone).toEqual([1, 2]);
  await brokers.stop();
  expect(admins.gone).toEqual([1, 2, 3]);
});

test('a connection that answers stays for the next question', async () => {
  const admins = new Admins();
  const brokers = new BrokerQuestions(() => admins.make());
  await brokers.ends('calls.events');
  await brokers.ends('calls.events');
  expect(admins.connected).toEqual([1, 2, 3]);
});

test('an admin that cannot connect is let go, and another one is tried', async () => {
  const admins = new Admins((admin) => admin < 3);
  const brokers = new BrokerQuestions(() => admins.make());
  await brokers.ends('calls.events');
  expect(admins.connected).toEqual([3]);
  expect(admins.gone).toEqual([1, 2]);
});

test('what fails for longer than the patience is thrown', async () => {
  const brokers = new BrokerQuestions(() => new Admins().make(), 0);
  await expect(brokers.ends('calls.events')).rejects.toThrow('not the leader');
});

test('nothing is asked any more once it was stopped', async () => {
  const admins = new Admins();
  const brokers = new BrokerQuestions(() => admins.make());
  const asking = brokers.ends('calls.events');
  await brokers.stop();
  await expect(asking).rejects.toThrow('stopped');
  expect(admins.gone).toEqual(admins.connected);
});
