/*
 * What the statistics of a platform come to is a frame that the Center takes, whatever figures there are and however odd; and of a usual
 * call it tells each stream once, by whose it is.
 */
import { qualityFrameSchema } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { qualityOf, type Stats } from './read-stats.js';

type Entry = Record<string, unknown> & { id: string; type: string };
const statsOf = (entries: readonly Entry[]) => new Map(entries.map((entry) => [entry.id, entry])) as unknown as Stats;

const ofMid = (mid: string) => (['audio', 'video', 'screen', 'screenSound'] as const)[Number(mid)];
const link = (sending: readonly Entry[], receiving: readonly Entry[]) => ({
  sending: statsOf(sending),
  receiving: statsOf(receiving),
  sectionOf: ofMid,
  streamOf: (mid: string) => (mid === 'unknown' ? undefined : `stream ${mid}`),
});

/** As Chromium tells it of a call through a relay. */
const sending: Entry[] = [
  { id: 'T', type: 'transport', selectedCandidatePairId: 'CP2' },
  { id: 'CP1', type: 'candidate-pair', localCandidateId: 'L1', state: 'succeeded', nominated: true, currentRoundTripTime: 0.9 },
  { id: 'CP2', type: 'candidate-pair', localCandidateId: 'L2', state: 'succeeded', nominated: true, currentRoundTripTime: 0.0425 },
  { id: 'L1', type: 'local-candidate', candidateType: 'host', protocol: 'udp' },
  { id: 'L2', type: 'local-candidate', candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls' },
  { id: 'OA', type: 'outbound-rtp', kind: 'audio', mid: '0', bytesSent: 9000, packetsSent: 250 },
  { id: 'RA', type: 'remote-inbound-rtp', localId: 'OA', roundTripTime: 0.05, jitter: 0.004, packetsLost: 3 },
  {
    id: 'OV1',
    type: 'outbound-rtp',
    kind: 'video',
    mid: '1',
    bytesSent: 10_000,
    packetsSent: 20,
    framesEncoded: 90,
    frameWidth: 320,
    frameHeight: 180,
  },
  {
    id: 'OV2',
    type: 'outbound-rtp',
    kind: 'video',
    mid: '1',
    bytesSent: 90_000,
    packetsSent: 80,
    framesEncoded: 100,
    frameWidth: 640,
    frameHeight: 360,
  },
  { id: 'OS', type: 'outbound-rtp', kind: 'video', mid: '2', bytesSent: 0, packetsSent: 0 },
];
const receiving: Entry[] = [
  {
    id: 'IA',
    type: 'inbound-rtp',
    kind: 'audio',
    mid: 'a',
    bytesReceived: 800,
    packetsReceived: 24,
    packetsLost: -1,
    jitter: 0.0031,
    jitterBufferDelay: 2.4,
    jitterBufferEmittedCount: 48,
  },
  {
    id: 'IV',
    type: 'inbound-rtp',
    kind: 'video',
    mid: 'v',
    bytesReceived: 7000,
    packetsReceived: 30,
    packetsLost: 2,
    framesDecoded: 55,
    freezeCount: 1,
    totalFreezesDuration: 0.2514,
    frameWidth: 640,
    frameHeight: 360,
  },
  { id: 'IX', type: 'inbound-rtp', kind: 'video', mid: 'unknown', bytesReceived: 1, packetsReceived: 1 },
];

test('each stream of a call is told once: sizes of one picture together, and by its way in use', () => {
  expect(qualityOf(link(sending, receiving))).toEqual({
    ...{ type: 'quality', roundTripMs: 42.5, candidateType: 'relay', protocol: 'tls' },
    streams: [
      { way: 'sent', media: 'audio', bytes: 9000, packets: 250, lost: 3, roundTripMs: 50, jitterMs: 4 },
      { way: 'sent', media: 'video', bytes: 100_000, packets: 100, lost: 0, frames: 100, width: 640, height: 360 },
      { way: 'received', streamId: 'stream a', media: 'audio', bytes: 800, packets: 24, lost: 0, jitterMs: 3.1, bufferMs: 50 },
      {
        ...{ way: 'received', streamId: 'stream v', media: 'video', bytes: 7000, packets: 30, lost: 2 },
        ...{ frames: 55, freezes: 1, frozenMs: 251, width: 640, height: 360 },
      },
    ],
  });
});

test('a screen is told as one, and where nothing is counted yet nothing is told of it', () => {
  const shared = qualityOf(link([{ id: 'OS', type: 'outbound-rtp', kind: 'video', mid: '2', bytesSent: 5, packetsSent: 1 }], []));
  expect(shared).toMatchObject({ type: 'quality', streams: [{ way: 'sent', screen: true, media: 'video' }] });
  expect(qualityOf(link([], []))).toEqual({ type: 'quality', streams: [] });
});

const odd = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300, 'text', null, undefined), fc.nat());
const names = [
  ...[
    'bytesSent',
    'packetsSent',
    'packetsLost',
    'jitter',
    'roundTripTime',
    'currentRoundTripTime',
    'framesEncoded',
    'frameWidth',
    'frameHeight',
  ],
  ...[
    'bytesReceived',
    'packetsReceived',
    'jitterBufferDelay',
    'jitterBufferEmittedCount',
    'framesDecoded',
    'freezeCount',
    'totalFreezesDuration',
  ],
];
const entry = fc
  .record({
    id: fc.string({ maxLength: 3 }),
    type: fc.constantFrom('transport', 'candidate-pair', 'local-candidate', 'outbound-rtp', 'inbound-rtp', 'remote-inbound-rtp', 'codec'),
    kind: fc.constantFrom('audio', 'video', 'data', undefined),
    mid: fc.constantFrom('0', '1', '2', '3', '9', undefined),
    ...{
      localId: fc.string({ maxLength: 3 }),
      localCandidateId: fc.string({ maxLength: 3 }),
      selectedCandidatePairId: fc.string({ maxLength: 3 }),
    },
    ...{
      state: fc.constantFrom('succeeded', 'failed'),
      nominated: fc.boolean(),
      candidateType: fc.constantFrom('host', 'relay', 'next year’s'),
    },
    protocol: fc.constantFrom('udp', 'tcp', 'quic', undefined),
    figures: fc.dictionary(fc.constantFrom(...names), odd),
  })
  .map(({ figures, ...rest }) => ({ ...rest, ...figures }) as Entry);

test('whatever a platform counts, the Center takes what is told of it', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 60 }), fc.array(entry, { maxLength: 60 }), (out, into) => {
      const told = JSON.parse(JSON.stringify(qualityOf(link(out, into)))) as unknown;
      expect(qualityFrameSchema.safeParse(told).error?.issues).toBeUndefined();
    }),
  );
});
