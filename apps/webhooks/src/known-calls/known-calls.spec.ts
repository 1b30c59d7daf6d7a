/*
 * What filters need of a call is known from its dial on, or read from where all calls are; nothing is guessed, and no more is remembered
 * than there is room for.
 */
import { type AnyEvent, type AppId, enveloped } from '@communication-center/contracts';
import { eventTypes } from '@communication-center/contracts/event-types';
import { expect, test } from 'vitest';
import { KnownCalls } from './known-calls.js';

/** An event as the catalogue has one of its type, of the call of this number. */
function eventOf(type: string, number: number, more: object = {}): AnyEvent {
  const callId = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
  const example = eventTypes.find((one) => one.type === type)?.example.data ?? {};
  const { appId: _, callId: __, sequence, ...data } = example as Record<string, unknown>;
  const origin = { id: `${callId}-${sequence}`, source: '/calls', at: new Date(0), subject: callId, appId: 'demo' as AppId, sequence: 1 };
  return { ...enveloped({ type, data: { ...data, ...more } }, origin), callid: callId } as AnyEvent;
}
const dial = (number: number, more?: object) => eventOf('call.dialed', number, more);
const later = (number: number) => eventOf('call.ended', number);

test('a call that was dialed here is known, and nobody is asked', async () => {
  const calls = new KnownCalls(() => Promise.reject(new Error('asked')));
  const known = await calls.of([dial(1, { customData: { order: 1 } }), later(1)]);
  expect([...known.values()]).toEqual([{ callType: 'audio_video', customData: { order: 1 } }]);
  expect((await calls.of([later(1)])).size, 'and later as well').toBe(1);
  expect((await calls.of([{ ...dial(1), type: 'presence.changed', subject: 'demo/bob' }])).size).toBe(0);
});

test('one that was dialed elsewhere is read, each once, and one that is nowhere is left out', async () => {
  const asked: unknown[] = [];
  const calls = new KnownCalls(async (callId, after, before) => {
    asked.push([callId, after, before]);
    return callId.endsWith('9') ? [] : [dial(Number(callId.slice(-12)))];
  });
  const some = [1, 2, 9, 2, 1].map((number) => later(number));
  const known = await calls.of(some);
  expect([known.size, asked.length]).toEqual([2, 3]);
  expect(asked).toContainEqual([some[0]?.subject, 0, 2]);
  await calls.of(some.slice(0, 2));
  expect(asked).toHaveLength(3);
});

test('while nobody answers, whoever asks waits: nothing is filtered by a guess', async () => {
  const calls = new KnownCalls(() => Promise.reject(new Error('away')));
  await expect(calls.of([later(1)])).rejects.toThrow('away');
});

test('the oldest makes room, and is read again', async () => {
  let asked = 0;
  const calls = new KnownCalls(async (callId) => {
    asked += 1;
    return [dial(Number(callId.slice(-12)))];
  }, 10_000);
  const events = Array.from({ length: 200 }, (_, number) => dial(number, { customData: { text: 'x'.repeat(400) } }));
  await calls.of(events);
  expect((await calls.of([later(199)])).size).toBe(1);
  expect(asked).toBe(0);
  expect((await calls.of([later(0)])).size).toBe(1);
  expect(asked).toBe(1);
});
