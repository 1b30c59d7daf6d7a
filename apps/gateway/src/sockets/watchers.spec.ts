/*
 * Whoever watches somebody goes on hearing of them, whatever becomes of what others, or they themselves, ask for meanwhile.
 */
import type { ServerFrame } from '@communication-center/contracts';
import type { EventLog, EventLogServer } from '@communication-center/event-log';
import { beforeEach, expect, test } from 'vitest';
import type { Services } from '../services.js';
import type { DeviceSocket } from './device-socket.js';
import type { Device } from './socket-owner.js';
import { Watchers } from './watchers.js';

const presenceOf = (userAlias: string, version = 1) => ({
  userAlias,
  status: 'online',
  doNotDisturb: false,
  version,
  calls: [],
  devices: [],
  lastSeenAt: null,
});

const visibility = { rule: 'everyone', sequence: 1 };
let answering: (userAliases: string[]) => Promise<object>;
let watchers: Watchers;

beforeEach(() => {
  answering = async (userAliases) => ({ presences: userAliases.map((userAlias) => presenceOf(userAlias)) });
  const presence = {
    ask: (_: unknown, { body }: { body: { userAliases: string[] } }) =>
      answering(body.userAliases).then((answer) => ({ visibility, ...answer })),
  };
  const server = { include: () => undefined } as unknown as EventLogServer;
  watchers = new Watchers({} as EventLog, server, { presence } as unknown as Services, () => undefined);
});

interface Observer {
  socket: DeviceSocket;
  heard: string[];
}

function observer(): Observer {
  const heard: string[] = [];
  const hear = (frame: ServerFrame) => frame.type === 'presence' && heard.push(frame.presence.userAlias);
  const socket = { isOpen: true, sendWritten: (frame: Buffer) => hear(JSON.parse(String(frame)) as ServerFrame) };
  return { socket: socket as unknown as DeviceSocket, heard };
}

const device = { appId: 'app', userAlias: 'wanda' } as Device;
const watch = ({ socket }: Observer, ...userAliases: string[]) =>
  watchers.watch(socket, device, { type: 'watch', id: 1, userAliases } as never).then(({ type }) => type);

function tell(userAlias: string): void {
  const envelope = { specversion: '1.0', id: crypto.randomUUID(), source: '/presence', subject: userAlias, appid: 'app', dataversion: 1 };
  watchers.tell({ ...envelope, time: new Date().toISOString(), sequence: 2, type: 'presence.changed', data: presenceOf(userAlias, 2) });
}

test('a watch that fails takes back what it added, and nothing else', async () => {
  const [one, other] = [observer(), observer()];
  expect([await watch(one, 'bob'), await watch(other, 'bob', 'carol')]).toEqual(['presences', 'presences']);
  answering = () => Promise.reject(new Error('away'));
  expect(await watch(one, 'bob', 'carol', 'dave')).toBe('error');
  for (const name of ['bob', 'carol', 'dave']) tell(name);
  expect([one.heard, other.heard]).toEqual([['bob'], ['bob', 'carol']]);
});

test('a watch whose socket closes meanwhile leaves nothing behind, whether it succeeds or fails', async () => {
  const [gone, other] = [observer(), observer()];
  await watch(other, 'bob');
  for (const fails of [false, true]) {
    let answer: () => void = () => undefined;
    answering = () =>
      new Promise((resolve, reject) => (answer = () => (fails ? reject(new Error('away')) : resolve({ presences: [presenceOf('bob')] }))));
    const watching = watch(gone, 'bob');
    watchers.forget(gone.socket);
    answer();
    await watching;
    tell('bob');
  }
  expect([gone.heard, other.heard]).toEqual([[], ['bob', 'bob']]);
});

test('too many are refused whole', async () => {
  const one = observer();
  const names = (from: number, count: number) => Array.from({ length: count }, (_, index) => `user-${from + index}`);
  for (let from = 0; from < 500; from += 100) await watch(one, ...names(from, 100));
  expect(await watch(one, 'user-499', 'user-500')).toBe('error');
  for (const name of ['user-499', 'user-500']) tell(name);
  expect(one.heard).toEqual(['user-499']);
});
