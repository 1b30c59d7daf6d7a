/*
 * Camera and microphone are opened for wishes alone, each by itself, and nothing waits for the user's answer but they.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Call } from './call.js';
import { callId, dialedFrame, eventFrame } from './stand-in-center.js';
import { StandInPeer } from './stand-in-media.js';
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

describe('camera and microphone', () => {
  const rung = async () => {
    const center = await phone.connect({ media: true, userAlias: 'bob', deviceId: 'bob-phone' });
    const calls: Call[] = [];
    center.on('incomingCall', (call) => calls.push(call));
    phone.there.socket.tell(dialedFrame());
    return calls[0] as Call;
  };
  const answers = eventFrame('call.answered', 2, { userAlias: 'bob', deviceId: 'bob-phone' });

  test('may be allowed late: what others send is received meanwhile', async () => {
    phone.devices.answer = undefined;
    const call = await rung();
    void call.answer();
    phone.there.socket.tell(answers);
    await settle(500);
    expect(phone.socketTo('media').sent.map(({ type }) => type)).toEqual(['join', 'ping', 'sending', 'publish']);
    expect(call.sending).toMatchObject({ audio: { state: 'asking' }, video: { state: 'asking' } });
    phone.devices.settle('allow');
    await settle();
    expect(StandInPeer.made[0]?.sent).toEqual(['audio', 'video']);
    expect(phone.socketTo('media').last('sending')).toMatchObject({ audio: 'on', video: 'on' });
  });

  test('that are switched off while the user is asked are never on', async () => {
    phone.devices.answer = undefined;
    const call = await rung();
    void call.answer({ sending: { video: false } });
    phone.there.socket.tell(answers);
    call.setSending('audio', false);
    phone.devices.settle('allow');
    await settle(500);
    expect([phone.devices.asked, phone.devices.live, StandInPeer.made[0]?.sent]).toEqual([[['audio']], [], []]);
    call.setSending('audio', true);
    phone.devices.settle('allow');
    await settle();
    expect(StandInPeer.made[0]?.sent).toEqual(['audio']);
    call.setSending('audio', false);
    expect(StandInPeer.made[0]?.sent).toEqual([]);
  });

  test('that have a problem say which, each its own, and can be tried again', async () => {
    phone.devices.answer = (kinds) => (kinds.includes('video') ? 'NotReadableError' : 'allow');
    const call = await rung();
    const errors: string[] = [];
    call.on('mediaError', ({ name }) => errors.push(name));
    void call.answer();
    phone.there.socket.tell(answers);
    await settle(500);
    expect(call.sending).toMatchObject({ audio: { state: 'on' }, video: { state: 'failed', problem: 'in_use' } });
    expect([errors, phone.socketTo('media').last('sending')]).toEqual([
      ['NotReadableError'],
      { type: 'sending', audio: 'on', video: 'none' },
    ]);
    phone.devices.answer = () => 'allow';
    call.retryDevice('video');
    await settle();
    expect(call.sending.video).toEqual({ wished: true, state: 'on' });
    expect(StandInPeer.made[0]?.sent).toEqual(['audio', 'video']);
    phone.devices.live.find(({ kind }) => kind === 'video')?.onended?.();
    expect(call.sending.video).toMatchObject({ state: 'failed', problem: 'missing' });
  });

  test('can be exchanged for others, muted as they are, and stay where the others cannot be opened', async () => {
    const { call } = await phone.back();
    call.setSending('audio', false);
    await call.useDevice('audio', 'headset');
    expect(phone.devices.named).toEqual({ audio: { deviceId: { exact: 'headset' }, noiseSuppression: true } });
    expect([phone.devices.live.map(({ kind }) => kind).sort(), StandInPeer.made[0]?.sent]).toEqual([['audio', 'video'], ['video']]);
    call.setSending('audio', true);
    expect(StandInPeer.made[0]?.sent).toEqual(['audio', 'video']);
    phone.devices.answer = () => 'NotReadableError';
    await expect(call.useDevice('video', 'other')).rejects.toMatchObject({ name: 'NotReadableError' });
    expect([StandInPeer.made[0]?.sent, call.sending.video.state]).toEqual([['audio', 'video'], 'on']);
    phone.devices.answer = undefined;
    const choosing = call.useDevice('video', 'third');
    void call.hangUp();
    phone.devices.settle('allow');
    await choosing;
    expect(phone.devices.live).toEqual([]);
  });

  test('that the user wished for are asked for where they are there, and those that were chosen are in later calls as well', async () => {
    const { center, call } = await phone.back({ devices: { video: 'desk', audio: 'built in' } });
    expect(phone.devices.named).toMatchObject({ audio: { deviceId: { exact: 'built in' } }, video: { deviceId: { exact: 'desk' } } });
    await call.useDevice('audio', 'headset');
    void call.hangUp();
    center.dial(['carol']);
    const another = { callid: '019b7777-0000-7000-8000-000000000002', subject: '019b7777-0000-7000-8000-000000000002' };
    phone.socketTo('center').tell(dialedFrame({ callees: ['carol'] }, another));
    await settle();
    expect(phone.devices.named).toMatchObject({ audio: { deviceId: { exact: 'headset' } }, video: { deviceId: { exact: 'desk' } } });
  });

  test('are freed of the noise around them unless the user wishes to be heard as it is, in this call and in later ones', async () => {
    const { center, call } = await phone.back();
    await settle();
    expect(phone.devices.named).toEqual({ audio: { noiseSuppression: true }, video: true });
    call.setSending('audio', false);
    await call.setNoiseSuppression(false);
    expect(phone.devices.named).toEqual({ audio: { noiseSuppression: false } });
    expect([phone.devices.live.map(({ kind }) => kind).sort(), StandInPeer.made[0]?.sent]).toEqual([['audio', 'video'], ['video']]);
    phone.devices.answer = () => 'NotReadableError';
    await expect(call.setNoiseSuppression(true)).rejects.toMatchObject({ name: 'NotReadableError' });
    expect(phone.devices.live.map(({ kind }) => kind).sort()).toEqual(['audio', 'video']);
    phone.devices.answer = () => 'allow';
    void call.hangUp();
    center.dial(['carol']);
    const another = { callid: '019b7777-0000-7000-8000-000000000002', subject: '019b7777-0000-7000-8000-000000000002' };
    phone.socketTo('center').tell(dialedFrame({ callees: ['carol'] }, another));
    await settle();
    expect(phone.devices.named).toEqual({ audio: { noiseSuppression: false }, video: true });
  });

  test('that the user wished for and that are not there are others, each by itself', async () => {
    const named = () => JSON.stringify(phone.devices.named);
    phone.devices.answer = () => (named().includes('left at home') ? 'OverconstrainedError' : 'allow');
    const { call } = await phone.back({ devices: { audio: 'left at home', video: 'desk' } });
    await settle();
    expect(phone.devices.asked).toEqual([['audio', 'video'], ['audio'], ['audio'], ['video']]);
    expect(phone.devices.named).toEqual({ video: { deviceId: { exact: 'desk' } } });
    expect(call.sending).toMatchObject({ audio: { state: 'on' }, video: { state: 'on' } });
    expect(StandInPeer.made[0]?.sent).toEqual(['audio', 'video']);
  });

  test('that were refused are not asked for in another way', async () => {
    phone.devices.answer = () => 'NotAllowedError';
    const { call } = await phone.back({ devices: { audio: 'headset' } });
    await settle();
    expect(phone.devices.asked).toEqual([['audio', 'video'], ['audio'], ['video']]);
    expect(call.sending.audio).toMatchObject({ problem: 'denied' });
  });

  test('are not opened for a dial before phone.there is a call, nor for one that is taken back', async () => {
    const center = await phone.connect({ media: true });
    const call = center.dial(['bob']);
    await settle();
    expect([phone.devices.asked, center.activeCalls, call.phase]).toEqual([[], [call], 'dialing']);
    void call.hangUp();
    phone.there.socket.tell(dialedFrame());
    await settle();
    expect([phone.devices.asked, center.activeCalls, call.callId]).toEqual([[], [], callId]);
    expect(phone.there.socket.last('hang_up')).toMatchObject({ callId });
  });
});
