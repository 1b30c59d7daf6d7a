/*
 * Call events reach the sockets of whom they concern. One that says that it concerns nobody here is not looked into, and leaves no
 * gap: the next, which concerns somebody, comes at once.
 */
import { type AnyEvent, type AppId, type CallEvent, enveloped, type UserAlias } from '@communication-center/contracts';
import { type EventLog, type EventLogServer, type Tail, toMessage } from '@communication-center/event-log';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Services } from '../services.js';
import type { DeviceSocket } from './device-socket.js';
import { SocketRouter } from './socket-router.js';

const app = 'demo' as AppId;
const callId = '01890001-0000-7000-8000-000000000000';

/** The log, as kafkajs hands it over. */
let deliver: (message: { headers: object; value: unknown; offset: string }) => Promise<void>;
let router: SocketRouter;
let reported: unknown[];
let offset: number;

beforeEach(async () => {
  [reported, offset] = [[], 0];
  const listeners: (() => void)[] = [];
  const consumer = {
    on: (_name: string, listener: () => void) => void listeners.push(listener),
    connect: async () => undefined,
    subscribe: async () => undefined,
    seek: () => undefined,
    run: async ({ eachBatch }: { eachBatch: (batch: unknown) => Promise<void> }) => {
      deliver = (message) => eachBatch({ batch: { partition: 0, messages: [message], offsetLag: () => '0' } });
      listeners[0]?.();
    },
  };
  const log = { clientId: 'gateway', ends: async () => [{ partition: 0, high: 0n }], kafka: { consumer: () => consumer } };
  const server = { include: (_name: string, _tail: Tail) => undefined };
  const services = { calls: { ask: () => Promise.reject(new Error('asked for a gap')) } };
  router = new SocketRouter(log as unknown as EventLog, server as unknown as EventLogServer, services as unknown as Services, (error) =>
    reported.push(error),
  );
  await router.start();
});

function socketOf(userAlias: string) {
  const heard: number[] = [];
  router.register(app, userAlias as UserAlias, { deliver: ({ sequence }: CallEvent) => heard.push(sequence) } as unknown as DeviceSocket);
  return heard;
}

const ringing = (audience: string[], sequence: number, subject = callId) => {
  const origin = { id: `e${sequence}`, source: '/calls', at: new Date(0), subject, appId: app, sequence };
  const event = enveloped({ type: 'call.ringing', data: { audience, userAlias: audience[0], deviceId: null } }, origin);
  return { ...event, callid: subject } as unknown as AnyEvent;
};

async function tell(event: AnyEvent, { without = [] as string[], value }: { without?: string[]; value?: { toString(): string } } = {}) {
  const message = toMessage(event.subject, event);
  const headers = Object.entries(message.headers).filter(([name]) => !without.includes(name));
  await deliver({
    headers: Object.fromEntries(headers.map(([name, text]) => [name, Buffer.from(String(text))])),
    value: value ?? message.value,
    offset: String(offset++),
  });
}

test('an event is heard by whom it concerns, and passed over unread where that is nobody', async () => {
  const heard = socketOf('alice');
  const unread = { toString: vi.fn(() => '{}') };
  await tell(ringing(['bob', 'carol'], 1, '01890002-0000-7000-8000-000000000000'), { value: unread });
  await tell(ringing(['alice', 'bob'], 1));
  expect(unread.toString).not.toHaveBeenCalled();
  expect([heard, reported]).toEqual([[1], []]);
});

test('what was passed over leaves no gap before what concerns somebody who came into the call later', async () => {
  const heard = socketOf('alice');
  for (const event of [ringing(['bob'], 1), ringing(['bob'], 2), ringing(['bob', 'alice'], 3)]) await tell(event);
  expect([heard, reported]).toEqual([[3], []]);
});

test('an event of a release that does not say whom it concerns is read, and heard as ever', async () => {
  const [alice, bob] = [socketOf('alice'), socketOf('bob')];
  await tell(ringing(['alice'], 1), { without: ['concerned'] });
  await tell(ringing(['alice', 'bob'], 2));
  expect([alice, bob, reported]).toEqual([[1, 2], [2], []]);
});

test('an event with the names of a user of another app is not heard', async () => {
  const heard = socketOf('alice');
  await tell({ ...ringing(['alice'], 1), appid: 'other' as AppId });
  expect(heard).toEqual([]);
});

test('what is heard before the topic brings it is heard once, and unread when it does', async () => {
  const heard = socketOf('alice');
  router.hear([ringing(['alice', 'bob'], 1), ringing(['alice', 'bob'], 2)]);
  expect(heard).toEqual([1, 2]);
  const unread = { toString: vi.fn(() => '{}') };
  for (const sequence of [1, 2]) await tell(ringing(['alice', 'bob'], sequence), { value: unread });
  await tell(ringing(['alice', 'bob'], 3));
  expect(unread.toString).not.toHaveBeenCalled();
  expect([heard, reported]).toEqual([[1, 2, 3], []]);
});

test('what others did before is waited for: nothing is heard out of order', async () => {
  const heard = socketOf('alice');
  router.hear([ringing(['alice', 'bob'], 2)]);
  expect(heard).toEqual([]);
  for (const sequence of [1, 2]) await tell(ringing(['alice', 'bob'], sequence));
  expect([heard, reported]).toEqual([[1, 2], []]);
});

test('an event that cannot be read is reported, and those with it are heard', async () => {
  const heard = socketOf('alice');
  const broken = { ...ringing(['alice'], 1, '01890002-0000-7000-8000-000000000000'), dataversion: 99 };
  router.hear([broken, ringing(['alice'], 1)]);
  expect(heard).toEqual([1]);
  expect(reported).toHaveLength(1);
});
