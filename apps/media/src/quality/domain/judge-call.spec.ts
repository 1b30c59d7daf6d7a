/*
 * How a call went, of what devices counted: nothing is counted twice and nothing is lost where samples are missing, each connection begins
 * anew, and a score is of the sound that came.
 */
import type { DeviceId, SessionId, UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgeCall } from './judge-call.js';
import { type KeptStream, measuredOf, type Sample } from './sample.js';
import { seriesOf, stretchesOf } from './series.js';

const [alice, bob] = ['alice', 'bob'] as UserAlias[] as [UserAlias, UserAlias];
const begun = Date.parse('2026-11-28T10:00:00.000Z');
const janus = { up: true, receiving: ['audio' as const], slowUp: 0, slowDown: 0 };
const sound: KeptStream = { way: 'received', streamId: 'b1', from: bob, kind: 'camera', media: 'audio', bytes: 0, packets: 0, lost: 0 };

interface Taken {
  who?: UserAlias;
  session?: string;
  atSeconds: number;
  roundTripMs?: number;
  streams: KeptStream[];
}

const sample = ({ who = alice, session = 's1', atSeconds, roundTripMs = 20, streams }: Taken): Sample => ({
  userAlias: who,
  deviceId: `${who}-laptop` as DeviceId,
  sessionId: session as SessionId,
  at: new Date(begun + atSeconds * 1000),
  measured: { roundTripMs, candidateType: 'host', streams, janus },
});
const judged = (samples: Sample[]) => judgeCall(samples, stretchesOf(samples));

test('rates are between two samples, and begin anew with each connection', () => {
  const samples = [
    sample({ atSeconds: 0, streams: [{ ...sound, bytes: 1000, packets: 10 }] }),
    sample({ atSeconds: 5, streams: [{ ...sound, bytes: 21_000, packets: 260, lost: 10 }] }),
    sample({ atSeconds: 10, session: 's2', streams: [{ ...sound, streamId: 'b2', bytes: 500, packets: 5 }] }),
  ];
  const [series, ...others] = seriesOf(stretchesOf(samples));
  expect(others, 'one stream to who looks, over two connections').toEqual([]);
  expect(series).toMatchObject({ deviceId: 'alice-laptop', way: 'received', from: 'bob', kind: 'camera', media: 'audio' });
  expect(series?.points.map(({ kbps, lossPercent }) => [kbps, lossPercent])).toEqual([
    [null, 0],
    [32, 3.85],
    [null, 0],
  ]);
});

test('a short and quiet way is a good score, loss and delay a worse one, and who heard nothing has none', () => {
  const good = sample({ atSeconds: 1, streams: [{ ...sound, packets: 75, jitterMs: 2 }] });
  expect(judged([good])).toMatchObject([{ userAlias: 'alice', samples: 1, lossPercent: 0, roundTripMs: 20, candidateType: 'host' }]);
  const score = (one: Sample) => judged([one])[0]?.score ?? Number.NaN;
  expect(score(good)).toBeGreaterThan(4.3);
  const lossy = sample({ atSeconds: 1, streams: [{ ...sound, packets: 70, lost: 5 }] });
  const late = sample({ atSeconds: 1, roundTripMs: 900, streams: [{ ...sound, packets: 75 }] });
  expect(score(lossy)).toBeLessThan(score(good) - 0.5);
  expect(score(late)).toBeLessThan(score(good) - 0.5);
  const own: KeptStream = { ...sound, way: 'sent', from: alice, packets: 75 };
  expect(judged([sample({ atSeconds: 1, streams: [own] })])).toMatchObject([{ score: null, lowestScore: null, lossPercent: null }]);
});

test('why nothing came of a device is told until something did', () => {
  const failed = sample({ atSeconds: 20, streams: [] });
  failed.measured.failed = 'ice_failed';
  const still = sample({ atSeconds: 25, streams: [sound] });
  const sent = sample({ atSeconds: 30, streams: [{ ...sound, way: 'sent', from: alice, packets: 9 }] });
  expect(judged([failed, still])).toMatchObject([{ failed: 'ice_failed', samples: 1 }]);
  expect(judged([failed, still, sent])).toMatchObject([{ failed: null }]);
  expect(judged([sent, still])).toMatchObject([{ failed: null }]);
});

test('sound has the way of who speaks too', () => {
  const listens = sample({ atSeconds: 1, streams: [{ ...sound, packets: 75 }] });
  const near = sample({ who: bob, session: 's9', atSeconds: 1, roundTripMs: 10, streams: [] });
  const far = sample({ who: bob, session: 's9', atSeconds: 1, roundTripMs: 1000, streams: [] });
  expect(judged([listens, near])[0]?.score).toBeGreaterThan(judged([listens, far])[0]?.score ?? 5);
});

test('a device says nothing of streams that it was not told of, and does not choose who sends', () => {
  const told = new Map([['b1', { userAlias: bob, kind: 'screen' as const }]]);
  const streams = [
    { way: 'received' as const, streamId: 'b1', media: 'video' as const, bytes: 1, packets: 1, lost: 0 },
    { way: 'received' as const, streamId: 'elsewhere', media: 'video' as const, bytes: 1, packets: 1, lost: 0 },
    { way: 'sent' as const, streamId: 'b1', screen: true as const, media: 'video' as const, bytes: 1, packets: 1, lost: 0 },
  ];
  const { streams: kept } = measuredOf({ type: 'quality', streams }, alice, told, janus);
  expect(kept.map(({ way, from, kind, streamId }) => [way, from, kind, streamId])).toEqual([
    ['received', 'bob', 'screen', 'b1'],
    ['sent', 'alice', 'screen', undefined],
  ]);
});

const grown = fc.array(fc.record({ packets: fc.nat(500), lost: fc.nat(50), freezes: fc.nat(3) }), { minLength: 1, maxLength: 30 });

test('whatever samples are missing, what is counted in all is what the last one has', () => {
  fc.assert(
    fc.property(grown, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), (growth, isMissing) => {
      const total = { packets: 0, lost: 0, freezes: 0 };
      const all = growth.map((more, index) => {
        for (const what of ['packets', 'lost', 'freezes'] as const) total[what] += more[what];
        return sample({ atSeconds: index * 5, streams: [{ ...sound, ...total }] });
      });
      const arrived = all.filter((_, index) => index === all.length - 1 || !isMissing[index]);
      const [alices] = judged(arrived);
      expect(alices?.freezes).toBe(total.freezes);
      const due = total.packets + total.lost;
      if (due > 0) expect(alices?.lossPercent).toBeCloseTo((100 * total.lost) / due, 1);
      for (const { lossPercent, kbps } of seriesOf(stretchesOf(arrived)).flatMap(({ points }) => points)) {
        expect(lossPercent ?? 0).toBeGreaterThanOrEqual(0);
        expect(lossPercent ?? 0).toBeLessThanOrEqual(100);
        expect(kbps ?? 0).toBeGreaterThanOrEqual(0);
      }
      if (alices?.score != null) expect(alices.score).toBeGreaterThanOrEqual(alices.lowestScore ?? 5);
    }),
  );
});
