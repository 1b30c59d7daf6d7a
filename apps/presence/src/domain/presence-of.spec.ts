import type { CallState, DeviceId, UserAlias } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { presenceOf } from './presence-of.js';

const bob = 'bob' as UserAlias;
const at = '2026-01-01T00:00:00.000Z';
const session = (deviceId: string, openedAt = at, away = false) => ({
  deviceId: deviceId as DeviceId,
  platform: 'web' as const,
  openedAt,
  away,
});
const known = { userAlias: bob, doNotDisturb: false, seen: [] };
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
  expect(presence.calls).toEqual([{ callId: 'c1', state: 'connected', with: ['alice'], deviceId: 'phone', direction: 'incoming' }]);
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

test('away when every connected device is, and only then', () => {
  const away = (tablet: boolean) =>
    presenceOf({ ...known, sessions: [session('phone', at, true), session('tablet', at, tablet)], calls: [] }).status;
  expect([away(true), away(false)]).toEqual(['away', 'online']);
});

test('not to be disturbed: told while online; a call still makes it busy, and nobody is online without a device', () => {
  const wish = { ...known, doNotDisturb: true };
  expect(presenceOf({ ...wish, sessions: [session('phone')], calls: [] }).status).toBe('do_not_disturb');
  expect(presenceOf({ ...wish, sessions: [], calls: [] })).toMatchObject({ status: 'offline', doNotDisturb: true });
  const dialing = call('c1', 'ringing', [{ userAlias: 'bob', state: 'connected', deviceId: 'phone', direction: 'incoming' }]);
  expect(presenceOf({ ...wish, sessions: [session('phone')], calls: [dialing] }).status).toBe('busy');
});

test('devices that are gone stay listed, with when they were last seen', () => {
  const seen = [{ deviceId: 'tablet' as DeviceId, platform: 'ios' as const, lastSeenAt: '2026-01-01T00:00:09.000Z' }];
  const { devices, lastSeenAt } = presenceOf({ ...known, seen, sessions: [session('phone')], calls: [] });
  expect(devices.map(({ deviceId, status }) => [deviceId, status])).toEqual([
    ['phone', 'online'],
    ['tablet', 'offline'],
  ]);
  expect(lastSeenAt).toBe('2026-01-01T00:00:09.000Z');
});
