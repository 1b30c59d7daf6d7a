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
let subscription: Subscription;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  subscription = {
    package: 'dialog',
    appId: 'demo',
    userAlias: 'bob',
    peer: { transport: 'tcp' },
    localCseq: 0,
    version: 0,
    told: [],
    localUri: 'sip:bob@demo',
    expiresAt: 1e15,
  } as unknown as Subscription;
  notifier = notifierOf(subscription);
  return () => vi.useRealTimers();
});

const notifierOf = (one: Subscription) =>
  new Notifier(one, {
    transport: { send: (text: string) => void sent.push(text) } as never,
    contacts: { plain: '127.0.0.1:5060', secure: '127.0.0.1:5061' },
    onNumbered: () => undefined,
    onLost: () => undefined,
    onError: (error) => {
      throw error;
    },
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

const dialogs = () =>
  [...(sent.at(-1) ?? '').matchAll(/<dialog id="(\w+)" call-id="\w+"( direction="\w+")?><state>(\w+)</g)].map((found) =>
    found.slice(1).join(''),
  );
const callOf = (callId: string, state: string, direction?: string) => ({ callId, state, with: ['alice'], deviceId: null, direction });

test('a call that has ended is told of once more, as terminated, with the direction it had', () => {
  notifier.notify(presenceOf(1, { calls: [callOf('c1', 'ringing', 'incoming')] }));
  answer();
  notifier.changed(presenceOf(2, { calls: [callOf('c1', 'connected', 'incoming')] }));
  expect(dialogs()).toEqual(['c1 direction="recipient"confirmed']);
  answer();
  notifier.changed(presenceOf(3));
  expect(dialogs()).toEqual(['c1 direction="recipient"terminated']);
  answer();
  notifier.notify(presenceOf(3));
  expect(dialogs()).toEqual([]);
});

test('what ends and what begins while a NOTIFY is not answered are both told by the next', () => {
  notifier.notify(presenceOf(1, { calls: [callOf('c1', 'connected', 'outgoing')] }));
  notifier.changed(presenceOf(2));
  notifier.changed(presenceOf(3, { calls: [callOf('c2', 'ringing', 'incoming')] }));
  answer();
  expect(dialogs()).toEqual(['c2 direction="recipient"early', 'c1 direction="initiator"terminated']);
});

test('a process that takes over tells of the end of what the one before told of', () => {
  notifier.notify(presenceOf(1, { calls: [callOf('c1', 'ringing', 'incoming')] }));
  // As the row has it.
  const successor = notifierOf({ ...subscription, told: JSON.parse(JSON.stringify(subscription.told)) });
  successor.notify(presenceOf(2));
  expect(dialogs()).toEqual(['c1 direction="recipient"terminated']);
});

test('a direction that a reading of an older release does not tell any more stays what it was', () => {
  notifier.notify(presenceOf(1, { calls: [callOf('c1', 'dialing')] }));
  answer();
  notifier.changed(presenceOf(2, { calls: [callOf('c1', 'connected')] }));
  expect(dialogs()).toEqual(['c1 direction="initiator"confirmed']);
});

test('a phone is told over TLS where it reaches us over TLS, and by sips: if it asked so', () => {
  Object.assign(subscription.peer, { transport: 'tls' });
  notifier.notify(presenceOf(1));
  expect(sent[0]).toContain('Via: SIP/2.0/TLS 127.0.0.1:5061;branch=');
  expect(sent[0]).toContain('Contact: <sip:127.0.0.1:5061;transport=tls>');
  notifierOf({ ...subscription, localUri: 'sips:bob@demo' }).notify(presenceOf(1));
  expect(sent[1]).toContain('Contact: <sips:127.0.0.1:5061>');
});
