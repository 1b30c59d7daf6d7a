/*
 * Whatever text comes, reading it fails nothing; and what says that the device is connected does, however little else can be read.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readFrame } from './reading.js';
import { aCall, dialedFrame, StandInCenter } from './stand-in-center.js';

const connectedFrame = { type: 'connected', ...new StandInCenter().connectedFields(), calls: [aCall()] };
const frames: object[] = [
  connectedFrame,
  dialedFrame(),
  { type: 'pong' },
  { type: 'draining' },
  { type: 'error', id: '1', error: { code: 'x', message: 'y' } },
];

test('no text, and no JSON, makes it fail', () => {
  fc.assert(fc.property(fc.string(), (text) => void readFrame(text)));
  fc.assert(fc.property(fc.json(), (text) => void readFrame(text)));
});

test('a frame of the Center with any of its parts replaced is read, passed over, or fails the request that it answers', () => {
  fc.assert(
    fc.property(fc.constantFrom(...frames), fc.nat(8), fc.jsonValue(), (frame, at, value) => {
      const names = Object.keys(frame);
      const read = readFrame(JSON.stringify({ ...frame, [names[at % names.length] ?? '']: value }));
      if (read?.type === 'unreadable') expect(['string', 'number']).toContain(typeof read.id);
    }),
  );
});

test('a connected frame connects, whatever its other fields say, and keeps the calls that can be read', () => {
  const others = fc.record({ sessionId: fc.jsonValue(), heartbeatSeconds: fc.jsonValue(), more: fc.jsonValue() }, { requiredKeys: [] });
  fc.assert(
    fc.property(others, fc.array(fc.jsonValue(), { maxLength: 3 }), (changed, strange) => {
      const read = readFrame(JSON.stringify({ ...connectedFrame, ...changed, calls: [...strange, aCall()] }));
      expect(read).toMatchObject({ type: 'connected' });
      if (read?.type !== 'connected') return;
      expect(read.heartbeatSeconds).toBeGreaterThanOrEqual(0.1);
      expect(read.heartbeatSeconds).toBeLessThanOrEqual(3600);
      expect(read.calls.at(-1)).toMatchObject({ callId: aCall().callId });
    }),
    {
      examples: [
        [{ sessionId: { toString: 0 } }, []],
        [{ heartbeatSeconds: 0 }, []],
      ],
    },
  );
});
