/* What an event did to somebody's part, where logs and Centers of earlier releases say less. */
import { expect, test } from 'vitest';
import { type CallEvent, type CallState, callEndOn, type DeviceId, foldParticipant, type Participant, type UserAlias } from './index.js';

const bob = 'bob' as UserAlias;
const phone = 'phone' as DeviceId;
const at = '2026-01-01T00:00:00.000Z';
const after = (before: Participant | undefined, type: string, data: object) =>
  foldParticipant(before, { type, time: at, data: { userAlias: 'bob', ...data } } as unknown as CallEvent, bob);
const dialed = { initiator: 'alice', initiatorDevice: 'desk', callees: ['bob'], ringSeconds: 20 };
const dnd = { deviceId: null, reason: 'do_not_disturb' };

test('a server that declines for the user says why; the ring was declined', () => {
  const ringing = after(undefined, 'call.dialed', dialed);
  expect(after(ringing, 'call.declined', dnd)).toMatchObject({ reason: 'declined', declineReason: 'do_not_disturb', deviceId: null });
});

test('whom the Center did not ring has declined nothing', () => {
  const refused = after(undefined, 'call.dialed', { ...dialed, refused: [{ userAlias: 'bob', reason: 'do_not_disturb' }] });
  const told = after(after(refused, 'call.declined', dnd), 'call.missed', { reason: 'do_not_disturb' });
  expect(told).toEqual({ state: 'gone', userAlias: 'bob', at, reason: 'do_not_disturb', deviceId: null });
});

test('nor has he in a log that does not name who is not rung', () => {
  const ringing = after(undefined, 'call.dialed', dialed);
  const told = after(after(ringing, 'call.declined', dnd), 'call.missed', { reason: 'do_not_disturb' });
  expect(told).toEqual({ state: 'gone', userAlias: 'bob', at, reason: 'do_not_disturb', deviceId: null });
});

test('who is hung up from elsewhere was in the call on the device he was in it', () => {
  const talking = after(undefined, 'call.answered', { deviceId: 'phone' });
  expect(after(talking, 'call.hung_up', { deviceId: 'tablet', reason: 'hung_up' })).toMatchObject({ deviceId: 'phone' });
});

test('a state of an older Center tells by the reason alone who declined', () => {
  const gone = { state: 'gone', userAlias: 'bob', at, reason: 'declined', deviceId: 'tablet' };
  const call = { status: 'ended', reason: 'declined', participants: [gone] } as unknown as CallState;
  expect(callEndOn(phone, bob, call)).toEqual({ reason: 'declined_elsewhere', byDevice: 'tablet' });
});
