/*
 * What is declined is over here at once, whatever the network does; the Center is told when it can be, and has the last word.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Call } from './call.js';
import { aCall, callId, connected, dialedFrame, eventFrame, gone, ringing } from './stand-in-center.js';
import { StandInPhone } from './stand-in-phone.js';

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

/** Rings bob. @returns the call, and why it was told to be over. */
async function rung(): Promise<{ call: Call; ends: string[]; rings: Call[] }> {
  const center = await phone.connect({ userAlias: 'bob', deviceId: 'bob-phone' });
  const rings: Call[] = [];
  center.on('incomingCall', (call) => rings.push(call));
  phone.there.socket.tell(dialedFrame());
  const [call] = rings;
  if (!call) throw new Error('It does not ring');
  const ends: string[] = [];
  call.on('ended', ({ reason }) => ends.push(reason));
  return { call, ends, rings };
}

const declines = () => phone.there.sockets.flatMap(({ sent }) => sent.filter(({ type }) => type === 'decline'));

test('a ring that is declined while nobody can be told is over, and told when the network is back; it does not ring again', async () => {
  const { call, ends, rings } = await rung();
  const mend = phone.cut();
  const declining = call.decline({ reason: 'busy' });
  expect([call.phase, ends, call.end]).toEqual(['ended', ['declined'], { reason: 'declined', byDevice: null, declineReason: 'busy' }]);
  await settle(30_000);
  phone.there.calls = [aCall()];
  const bob = { ...gone('bob', 'declined', 'bob-phone'), declineReason: 'busy' };
  const over = aCall({
    status: 'ended',
    sequence: 2,
    endedAt: '2026-01-01T00:00:00.000Z',
    answeredAt: null,
    talkSeconds: 0,
    reason: 'declined',
    participants: [gone('alice', 'declined'), bob],
  });
  const { onFrame } = phone.there;
  phone.there.onFrame = (socket, frame) =>
    frame.type === 'decline'
      ? socket.tell({ type: 'reply', id: frame.id, result: { callId, sequence: 2, call: over } })
      : onFrame(socket, frame);
  mend();
  phone.there.socket.breakOff();
  await settle(60_000);
  await expect(declining).resolves.toBeUndefined();
  expect([call.state.status, ends, rings.length]).toEqual(['ended', ['declined'], 1]);
  expect(declines().at(-1)).toMatchObject({ callId, reason: 'busy' });
});

test('where another device answered before, its answer holds, and the end is told once', async () => {
  const { call, ends } = await rung();
  phone.there.onFrame = (socket, frame) => {
    if (frame.type === 'decline')
      socket.tell({ type: 'error', id: frame.id, error: { code: 'already_answered', message: 'on another device' } });
  };
  await expect(call.decline()).rejects.toMatchObject({ code: 'already_answered' });
  expect([call.phase, ends]).toEqual(['ended', ['declined']]);
  phone.there.socket.tell(eventFrame('call.answered', 2, { userAlias: 'bob', deviceId: 'bob-desk' }));
  expect([call.end?.reason, call.end?.byDevice, ends]).toEqual(['answered_elsewhere', 'bob-desk', ['declined']]);
});

test('where the Center refuses, it goes on ringing; another ring of the same call rings', async () => {
  const { call, rings } = await rung();
  phone.there.onFrame = (socket, frame) => {
    if (frame.type === 'decline') socket.tell({ type: 'error', id: frame.id, error: { code: 'rate_limited', message: 'too often' } });
  };
  await expect(call.decline()).rejects.toMatchObject({ code: 'rate_limited' });
  expect([call.phase, call.end]).toEqual(['ringing', undefined]);
  phone.there.onFrame = () => undefined;
  void call.decline().catch(() => undefined);
  expect(call.phase).toBe('ended');
  call.update(aCall({ sequence: 2, participants: [connected('alice'), ringing('bob', { since: '2026-01-01T00:01:00.000Z' })] }) as never);
  expect([call.phase, rings.length]).toEqual(['ringing', 1]);
});
