import type { QualityPoint, QualitySeries } from '@communication-center/contracts/quality';
import type { KeptStream, Sample } from './sample.js';

/** A stream between two samples of it; `seconds` is unknown where there was none before. */
export interface Stretch {
  sample: Sample;
  stream: KeptStream;
  seconds: number | undefined;
  /** What was counted meanwhile. */
  bytes: number;
  packets: number;
  lost: number;
  frames: number;
  freezes: number;
  frozenMs: number;
}

const counted = ['bytes', 'packets', 'lost', 'frames', 'freezes', 'frozenMs'] as const;

/**
 * @param samples of one call, by time.
 * @returns each stream of each sample, with what was counted since the sample before. Samples that are missing are made up for by the
 * next; where a counter begins anew, so does the stream.
 */
export function stretchesOf(samples: readonly Sample[]): Stretch[] {
  const before = new Map<string, { at: Date; stream: KeptStream }>();
  return samples.flatMap((sample) =>
    sample.measured.streams.map((stream) => {
      const key = [sample.sessionId, stream.way, stream.streamId ?? stream.kind, stream.media].join(' ');
      const known = before.get(key);
      const goesOn = known !== undefined && counted.every((one) => (stream[one] ?? 0) >= (known.stream[one] ?? 0) || one === 'lost');
      before.set(key, { at: sample.at, stream });
      const since = goesOn ? known : undefined;
      const more = counted.map((one) => [one, Math.max(0, (stream[one] ?? 0) - (since?.stream[one] ?? 0))] as const);
      const seconds = since && (sample.at.getTime() - since.at.getTime()) / 1000;
      return { sample, stream, seconds, ...(Object.fromEntries(more) as Record<(typeof counted)[number], number>) };
    }),
  );
}

/** @returns of what was to come, the part that did not, 0 to 1; undefined where nothing was. */
export function lossOf({ stream, packets, lost }: Pick<Stretch, 'stream' | 'packets' | 'lost'>): number | undefined {
  // Of what is received lost packets are not among those that came; of what is sent they are.
  const due = stream.way === 'received' ? packets + lost : packets;
  return due === 0 ? undefined : Math.min(1, lost / due);
}

/** @returns the streams of each device as they went on, by sender and kind, whichever connections carried them. */
export function seriesOf(stretches: readonly Stretch[]): QualitySeries[] {
  const series = new Map<string, QualitySeries>();
  for (const stretch of stretches) {
    const { deviceId } = stretch.sample;
    const { way, from, kind, media } = stretch.stream;
    const key = [deviceId, way, kind, media, from].join(' ');
    const known = series.get(key) ?? { deviceId, way, from, kind, media, points: [] };
    known.points.push(pointOf(stretch));
    series.set(key, known);
  }
  return [...series.values()];
}

function pointOf(stretch: Stretch): QualityPoint {
  const { sample, stream, seconds, bytes, frames, freezes, frozenMs } = stretch;
  const each = (count: number) => (seconds === undefined || seconds <= 0 ? null : round(count / seconds));
  const loss = lossOf(stretch);
  return {
    at: sample.at.toISOString(),
    kbps: each((bytes * 8) / 1000),
    lossPercent: loss === undefined ? null : round(100 * loss),
    framesPerSecond: stream.media === 'video' ? each(frames) : null,
    freezes,
    frozenMs,
    roundTripMs: rounded(stream.roundTripMs ?? sample.measured.roundTripMs),
    jitterMs: rounded(stream.jitterMs),
    width: stream.width ?? null,
    height: stream.height ?? null,
  };
}

/** To a hundredth. */
export const round = (value: number): number => Math.round(value * 100) / 100;
const rounded = (value: number | undefined) => (value === undefined ? null : round(value));
