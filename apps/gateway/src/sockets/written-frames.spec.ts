/*
 * What many devices hear of an event is written once, and each hears its own end of the ring.
 */
import { type CallEvent, type PartEnd, serverFrameSchema } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { writtenEvent } from './written-frames.js';

const callId = '01890001-0000-7000-8000-000000000000';
const answered = (sequence = 2) =>
  ({
    specversion: '1.0',
    id: 'e1',
    source: '/calls',
    type: 'call.answered',
    time: '2026-01-01T00:00:00.000Z',
    subject: callId,
    callid: callId,
    appid: 'demo',
    sequence,
    dataversion: 1,
    data: { audience: ['alice', 'bob "the \\ builder"'], userAlias: 'alice', deviceId: 'desk' },
  }) as unknown as CallEvent;
const elsewhere = (byDevice: string) => ({ reason: 'answered_elsewhere', byDevice }) as PartEnd;

test('devices that hear the same hear the same bytes', () => {
  const event = answered();
  expect(writtenEvent(event, undefined)).toBe(writtenEvent(event, undefined));
  expect(writtenEvent(event, elsewhere('desk'))).toBe(writtenEvent(event, elsewhere('desk')));
});

test('each frame is of its own event and its own end, and is of the protocol', () => {
  for (const event of [answered(2), answered(3)]) {
    for (const ringEnded of [undefined, elsewhere('desk'), elsewhere('phone')]) {
      const frame = JSON.parse(String(writtenEvent(event, ringEnded)));
      expect(frame).toEqual({ type: 'event', event, ...(ringEnded && { ringEnded }) });
      expect(serverFrameSchema.parse(frame)).toEqual(frame);
    }
  }
});
