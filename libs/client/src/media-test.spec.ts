/*
 * A test before a call tells each TURN server by each way to it, and in one word how a call would go.
 */
import { expect, test } from 'vitest';
import { turnsIn, verdictOn } from './media-test.js';
import { between, type EchoFigures } from './media-test-echo.js';

const figures: EchoFigures = {
  ...{ connectMs: 90, candidateType: 'host', roundTripMs: 12, upKbps: 2000, downKbps: 1900, lossPercent: 0, jitterMs: 2 },
};

test('what names no transport is tried over UDP and TCP, TLS is TLS, and what is no TURN server is passed over', () => {
  const servers = [
    { urls: 'stun:a.example:3478' },
    { urls: ['turn:a.example:3478', 'turn:a.example:3478?transport=tcp', 'turns:a.example:5349'], username: 'u', credential: 'p' },
  ];
  expect(turnsIn(servers).map(({ url, transport }) => [url, transport])).toEqual([
    ['turn:a.example:3478?transport=udp', 'udp'],
    ['turn:a.example:3478?transport=tcp', 'tcp'],
    ['turn:a.example:3478?transport=tcp', 'tcp'],
    ['turns:a.example:5349', 'tls'],
  ]);
  expect(turnsIn(Array.from({ length: 50 }, () => ({ urls: 'turn:a.example' })))).toHaveLength(8);
});

test.each([
  ['good', {}],
  ['poor', { roundTripMs: 900 }],
  ['poor', { lossPercent: 12 }],
  ['poor', { upKbps: 64 }],
  ['failed', { downKbps: 0 }],
] as const)('it is %s with %o', (verdict, more) => {
  expect(verdictOn({ ...figures, ...more })).toBe(verdict);
});

test('without an echo it has failed', () => {
  expect(verdictOn(null)).toBe('failed');
});

test('what was counted between two readings is told a second, and counters that began anew are no loss', () => {
  const at = (ms: number, bytes: number, packetsLost: number) =>
    ({
      at: ms,
      pair: { type: 'candidate-pair', id: 'p', currentRoundTripTime: 0.02 },
      own: { type: 'local-candidate', id: 'c', candidateType: 'relay' },
      sent: { type: 'outbound-rtp', id: 'o', bytesSent: bytes },
      received: { type: 'inbound-rtp', id: 'i', bytesReceived: bytes / 2, packetsReceived: bytes / 1000, packetsLost, jitter: 0.003 },
    }) as never;
  const told = { candidateType: 'relay', roundTripMs: 20, jitterMs: 3 };
  expect(between(at(0, 0, 0), at(2000, 250_000, 2))).toEqual({ ...told, upKbps: 1000, downKbps: 500, lossPercent: 0.8 });
  expect(between(at(0, 250_000, 9), at(1000, 0, 0))).toEqual({ ...told, upKbps: 0, downKbps: 0, lossPercent: null });
});
