/*
 * A phone is told where its user is once at the beginning, and then what is a change to it: what the log brings before the beginning,
 * and what says the same in other words, is no NOTIFY of its own.
 */
import type { Presence } from '@communication-center/contracts';
import { beforeEach, expect, test, vi } from 'vitest';
import { Notifier } from './notifier.js';
import type { Subscription } from './subscription.js';

let sent: string[];
let notifier: Notifier;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  const subscription = {
    package: 'dialog',
    appId: 'demo',
    userAlias: 'bob',
    peer: { transport: 'tcp' },
    localCseq: 0,
    version: 0,
    expiresAt: 1e15,
  };
  notifier = new Notifier(subscription as unknown as Subscription, {
    transport: { send: (text: string) => void sent.push(text) } as never,
    contact: '127.0.0.1:5060',
    onNumbered: () => undefined,
    onLost: () => undefined,
    onError: (error) => {
      throw error;
    },
  });
  return () => vi.useRealTimers();
});

const calls = [{ callId: 'c1', state: 'ringing', with: ['alice'], deviceId: null }];
const presenceOf = (version: number, more: object = {}) =>
  ({ userAlias: 'bob', status: 'online', version, calls: [], devices: [], ...more }) as unknown as Presence;
const answer = () => {
  const branch = /branch=([^;]+);/.exec(sent.at(-1) ?? '')?.[1];
  return notifier.take({ status: 200, branch } as never);
};

test('what the log brings before the first NOTIFY is told by that one', () => {
  notifier.changed(presenceOf(1, { status: 'offline' }));
  notifier.changed(presenceOf(2));
  expect(sent).toEqual([]);
  notifier.notify(presenceOf(2));
  answer();
  expect(sent).toHaveLength(1);
});

test('a change is told when the one before was answered, and what a lamp has no word for is not', () => {
  notifier.notify(presenceOf(1));
  notifier.changed(presenceOf(2, { calls }));
  expect(sent).toHaveLength(1);
  answer();
  expect(sent[1]).toContain('<state>early</state>');
  answer();
  notifier.changed(presenceOf(3, { calls, status: 'busy' }));
  expect(sent).toHaveLength(2);
});
