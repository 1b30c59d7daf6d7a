import type { CallState, DeviceId, UserAlias } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { presenceOf } from './presence-of.js';

const bob = 'bob' as UserAlias;
const at = '2026-01-01T00:00:00.000Z';
const session = (deviceId: string, openedAt = at) => ({ deviceId: deviceId as DeviceId, platform: 'web' as const, openedAt });
const known = { userAlias: bob, version: 1, lastSeenAt: at };
const call = (callId: string, status: 'ringing' | 'connected', participants: object[]) =>
  ({ callId, status, initiator: 'alice', participants }) as unknown as CallState;

test('without a session and a call: offline', () => {
  expect(presenceOf({ ...known, sessions: [], calls: [] })).toMatchObject({ status: 'offline', devices: [], calls: [] });
});

test('two sessions of one device are one device, online since the first', () => {
  const { status, devices } = presenceOf({
    ...known,
    sessions: [session('phone', '2026-01-01T00:00:05.000Z'), session('phone')],
    calls: [],
  });
  expect(status).toBe('online');
  expect(devices).toEqual([{ deviceId: 'phone', platform: 'web', status: 'online', since: at }]);
});

test('in a call: busy, with whom, and only the device that is in it', () => {
  const connected = call('c1', 'connected', [
    { userAlias: 'alice', state: 'connected', deviceId: 'desk' },
    { userAlias: 'bob', state: 'connected', deviceId: 'phone' },
    { userAlias: 'carol', state: 'gone', deviceId: null },
  ]);
  const presence = presenceOf({ ...known, sessions: [session('phone'), session('tablet')], calls: [connected] });
  expect(presence.status).toBe('busy');
  expect(presence.calls).toEqual([{ callId: 'c1', state: 'connected', with: ['alice'], deviceId: 'phone' }]);
  expect(presence.devices.map(({ status }) => status)).toEqual(['busy', 'online']);
});

test('rung without any session: still busy, so that nobody is told otherwise', () => {
  const ringing = call('c1', 'ringing', [
    { userAlias: 'alice', state: 'connected', deviceId: 'desk' },
    { userAlias: 'bob', state: 'ringing' },
  ]);
  expect(presenceOf({ ...known, sessions: [], calls: [ringing] })).toMatchObject({
    status: 'busy',
    calls: [{ state: 'ringing', deviceId: null }],
  });
  expect(presenceOf({ ...known, userAlias: 'alice' as UserAlias, sessions: [], calls: [ringing] }).calls[0]?.state).toBe('dialing');
});

test('a call the user has left does not make it busy', () => {
  const left = call('c1', 'connected', [{ userAlias: 'bob', state: 'gone' }]);
  expect(presenceOf({ ...known, sessions: [session('phone')], calls: [left] }).status).toBe('online');
});
