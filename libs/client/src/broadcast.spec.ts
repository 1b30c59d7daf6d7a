/* Whether a call is broadcast is told, and to be read, as it is by now: who began it, its end, and another one after it. */
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

const [one, other] = ['01a212f5-72f3-745f-9835-9b692595a87a', '01a212f5-72f3-745f-9835-9b692595a87b'];
const broadcast = (what: string, sequence: number, broadcastId = one, more = {}) =>
  eventFrame(`call.broadcast_${what}`, sequence, { broadcastId, by: 'bob', ...more });

test('who broadcasts is told and to be read, until it ends', async () => {
  const { call } = await phone.back();
  const told: unknown[] = [];
  call.on('broadcastStarted', (by) => told.push(['started', by]));
  call.on('broadcastStopped', () => told.push(['stopped']));
  const tell = async (...frames: object[]) => {
    for (const frame of frames) phone.socketTo('center').tell(frame);
    await vi.advanceTimersByTimeAsync(0);
  };
  await tell(broadcast('started', 4));
  expect(call.broadcast).toMatchObject({ broadcastId: one, by: 'bob' });
  await tell(broadcast('stopped', 5, one, { reason: 'failed' }), broadcast('started', 6, other));
  expect(call.broadcast).toMatchObject({ broadcastId: other });
  await tell(eventFrame('call.ended', 7, { reason: 'hung_up', talkSeconds: 3 }));
  expect(call.broadcast).toBeUndefined();
  expect(told.slice(0, 3)).toEqual([['started', 'bob'], ['stopped'], ['started', 'bob']]);
});

test('starting and stopping are asked of the Center', async () => {
  const { call } = await phone.back();
  for (const act of [call.startBroadcast, call.stopBroadcast]) void act.call(call).catch(() => undefined);
  await vi.advanceTimersByTimeAsync(0);
  const types = phone.socketTo('center').sent.map(({ type }) => type);
  expect(types.filter((type) => String(type).includes('broadcast'))).toEqual(['start_broadcast', 'stop_broadcast']);
});
