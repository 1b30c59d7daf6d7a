/*
 * What a moderator forbids is off on this device at once, and stays off, whatever is wished, until it is allowed and wished again; and
 * who moderates, raises a hand or locks the call is told to the app.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CenterError, MediaForbiddenError } from './center-error.js';
import { callId, connected, eventFrame } from './stand-in-center.js';
import { StandInPeer } from './stand-in-media.js';
import { StandInPhone, talking } from './stand-in-phone.js';

let phone: StandInPhone;
beforeEach(() => {
  vi.useFakeTimers();
  phone = new StandInPhone(vi.stubGlobal);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);
/** The sequence of {@link talking}, and of the first event after it. */
const [last, first] = [3, 4];
const muted = (sequence: number, media: string[], by: string | null = 'bob', userAlias = 'alice') =>
  eventFrame('call.participant_muted', sequence, { userAlias, by, media });
const allowed = (sequence: number, media: string[]) =>
  eventFrame('call.participant_unmuted', sequence, { userAlias: 'alice', by: 'bob', media });
const sent = () => StandInPeer.made[0]?.sent;
const tell = async (...frames: object[]) => {
  for (const frame of frames) phone.socketTo('center').tell(frame);
  await settle();
};

test('what is forbidden is off at once and told as off; switching it on is refused, and says who forbade it', async () => {
  const { call } = await phone.back();
  expect(sent()).toEqual(['audio', 'video']);
  await tell(muted(first, ['audio']));
  expect([sent(), call.forbidden.audio?.by, call.sending.audio.wished]).toEqual([['video'], 'bob', false]);
  expect(phone.socketTo('media').last('sending')).toMatchObject({ audio: 'off', video: 'on' });
  const refusal = (() => {
    try {
      call.setSending('audio', true);
    } catch (error) {
      return error;
    }
  })();
  expect(refusal).toBeInstanceOf(MediaForbiddenError);
  expect(refusal).toBeInstanceOf(CenterError);
  expect(refusal).toMatchObject({ code: 'media_forbidden', kind: 'audio', by: 'bob', userAliases: ['bob'] });
  call.setSending('audio', false);
  call.setSending('video', false);
  call.setSending('video', true);
  call.wish({ audio: true });
  expect(sent()).toEqual(['video']);
});

test('a screen goes without its sound when that is forbidden, and ends when pictures are; none is asked for meanwhile', async () => {
  const { call } = await phone.back();
  await call.shareScreen();
  expect(call.screen?.getTracks().map(({ kind }) => kind)).toEqual(['video', 'audio']);
  await tell(muted(first, ['audio']));
  expect(call.screen?.getTracks().map(({ kind }) => kind)).toEqual(['video']);
  expect(phone.socketTo('media').last('sending')).toMatchObject({ screen: { audio: 'none', video: 'on' } });
  await tell(muted(first + 1, ['video']));
  expect([call.screen, sent(), call.mayShareScreen]).toEqual([undefined, [], false]);
  expect(phone.socketTo('media').last('sending')).not.toHaveProperty('screen');
  await expect(call.shareScreen()).rejects.toMatchObject({ code: 'media_forbidden', by: 'bob' });
  await tell(allowed(first + 2, ['audio', 'video']));
  expect([call.screen, call.mayShareScreen]).toEqual([undefined, true]);
});

test('what is allowed again stays off until the user switches it on', async () => {
  const { call } = await phone.back();
  await tell(muted(first, ['audio', 'video'], null), allowed(first + 1, ['audio', 'video']));
  expect([sent(), call.forbidden]).toEqual([[], {}]);
  call.setSending('audio', true);
  expect(sent()).toEqual(['audio']);
});

test('a device that comes into a call in which it was forbidden something opens nothing for it', async () => {
  const bans = { audio: { by: null, since: '2026-01-01T00:00:00.000Z' } };
  const participants = [{ ...connected('alice'), forbidden: bans }, connected('bob')];
  phone.there.calls = [{ ...talking, participants }];
  const center = await phone.connect({ media: true });
  await settle();
  const [call] = center.activeCalls;
  expect([phone.devices.asked, sent(), call?.forbidden]).toEqual([[['video']], ['video'], bans]);
});

test('the app hears who is muted, allowed, locks, unlocks and has a hand up', async () => {
  const { call } = await phone.back();
  const told: unknown[] = [];
  for (const event of ['participantMuted', 'participantAllowed', 'locked', 'unlocked', 'handRaised', 'handLowered'] as const)
    call.on(event, (...args: unknown[]) => told.push([event, ...args]));
  const hand = { userAlias: 'alice', deviceId: 'alice-phone' };
  await tell(muted(first, ['video'], 'alice', 'bob'), muted(first + 1, ['audio']), allowed(first + 2, ['audio']));
  await tell(eventFrame('call.locked', first + 3, { by: null }), eventFrame('call.hand_raised', first + 4, hand));
  expect([call.isLocked, call.isHandRaised]).toEqual([true, true]);
  await tell(
    eventFrame('call.hand_lowered', first + 5, { userAlias: 'alice', by: 'bob' }),
    eventFrame('call.unlocked', first + 6, { by: 'alice' }),
  );
  expect([call.isLocked, call.isHandRaised]).toEqual([false, false]);
  expect(told).toEqual([
    ['participantMuted', 'bob', 'video', 'alice'],
    ['participantMuted', 'alice', 'audio', 'bob'],
    ['participantAllowed', 'alice', 'audio'],
    ['locked', null],
    ['handRaised', 'alice'],
    ['handLowered', 'alice'],
    ['unlocked'],
  ]);
});

test('what a moderator does is asked of the Center by its name', async () => {
  const { call } = await phone.back();
  const asked: object[] = [];
  phone.there.onFrame = (socket, { id, commandId: _, ...frame }) => {
    asked.push(frame);
    socket.tell({ type: 'reply', id, result: { callId, sequence: last, call: talking } });
  };
  await call.muteParticipant('bob');
  await call.muteParticipant('bob', { video: true });
  await call.allowParticipant('bob', { audio: true, video: true });
  await call.allowParticipant('bob', {});
  await call.muteAll();
  await call.lock();
  await call.unlock();
  await call.raiseHand();
  await call.lowerHand();
  await call.lowerHand('bob');
  expect(asked).toEqual(
    [
      { type: 'mute', participant: 'bob', media: ['audio'] },
      { type: 'mute', participant: 'bob', media: ['video'] },
      { type: 'allow', participant: 'bob', media: ['audio', 'video'] },
      { type: 'mute_all', media: ['audio'] },
      { type: 'lock' },
      { type: 'unlock' },
      { type: 'raise_hand' },
      { type: 'lower_hand' },
      { type: 'lower_hand', participant: 'bob' },
    ].map((frame) => ({ callId, ...frame })),
  );
});
