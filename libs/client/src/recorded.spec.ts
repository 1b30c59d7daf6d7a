/* Whether a call is recorded is told, and to be read, as it is by now: who began it, pauses, its end, and another one after it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { eventFrame } from './stand-in-center.js';
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

const [one, other] = ['01a212f5-72f3-745f-9835-9b692595a86a', '01a212f5-72f3-745f-9835-9b692595a86b'];
const recording = (what: string, sequence: number, recordingId = one, more = {}) =>
  eventFrame(`call.recording_${what}`, sequence, { recordingId, by: 'bob', ...more });
const tell = async (...frames: object[]) => {
  for (const frame of frames) phone.socketTo('center').tell(frame);
  await vi.advanceTimersByTimeAsync(0);
};

test('who records is told and to be read, until it ends', async () => {
  const { call } = await phone.back();
  const told: unknown[] = [];
  for (const event of ['recordingStarted', 'recordingPaused', 'recordingResumed', 'recordingStopped'] as const) {
    call.on(event, (...what: unknown[]) => told.push([event, ...what]));
  }
  expect(call.recording).toBeUndefined();
  await tell(recording('started', 4), recording('paused', 5));
  expect(call.recording).toMatchObject({ recordingId: one, by: 'bob', paused: true });
  await tell(recording('resumed', 6), recording('stopped', 7, one, { reason: 'failed' }), recording('started', 8, other));
  expect(call.recording).toMatchObject({ recordingId: other, paused: false });
  await tell(eventFrame('call.ended', 9, { reason: 'hung_up', talkSeconds: 3 }));
  expect(call.recording).toBeUndefined();
  expect(told.slice(0, 5)).toEqual([
    ['recordingStarted', 'bob'],
    ['recordingPaused'],
    ['recordingResumed'],
    ['recordingStopped'],
    ['recordingStarted', 'bob'],
  ]);
});

test('starting, pausing and stopping are asked of the Center', async () => {
  const { call } = await phone.back();
  for (const act of [call.startRecording, call.pauseRecording, call.resumeRecording, call.stopRecording])
    void act.call(call).catch(() => undefined);
  await vi.advanceTimersByTimeAsync(0);
  const types = phone.socketTo('center').sent.map(({ type }) => type);
  expect(types.filter((type) => String(type).includes('recording'))).toEqual([
    'start_recording',
    'pause_recording',
    'resume_recording',
    'stop_recording',
  ]);
});
