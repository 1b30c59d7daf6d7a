import type { UserAlias } from '@communication-center/contracts';
import type { ParticipantQuality } from '@communication-center/contracts/quality';
import { ratingOf, scoreOf } from './e-model.js';
import type { Sample } from './sample.js';
import { lossOf, round, type Stretch } from './series.js';

/** Sound waits for a packet to be full, in milliseconds. */
const packetMs = 20;

/** @returns how the media of a call went for everyone of whom there are samples, in the order of their aliases. */
export function judgeCall(samples: readonly Sample[], stretches: readonly Stretch[]): ParticipantQuality[] {
  const users = [...new Set(samples.map(({ userAlias }) => userAlias))].sort();
  const roundTrips = new Map(users.map((user) => [user, median(roundTripsOf(samples, user))]));
  return users.map((userAlias) => {
    const own = samples.filter((sample) => sample.userAlias === userAlias);
    const received = stretches.filter(({ sample, stream }) => sample.userAlias === userAlias && stream.way === 'received');
    const sound = received.filter(({ stream, packets }) => stream.media === 'audio' && packets > 0);
    const scores = sound.map((stretch) => ({ score: scoreOfSound(stretch, roundTrips), packets: stretch.packets }));
    const packets = sum(received, 'packets');
    const lost = sum(received, 'lost');
    return {
      userAlias,
      score: scores.length === 0 ? null : round(meanOf(scores)),
      lowestScore: scores.length === 0 ? null : round(Math.min(...scores.map(({ score }) => score))),
      samples: own.filter(({ measured }) => !measured.failed).length,
      roundTripMs: rounded(roundTrips.get(userAlias)),
      lossPercent: packets + lost === 0 ? null : round((100 * lost) / (packets + lost)),
      jitterMs: rounded(median(sound.flatMap(({ stream }) => stream.jitterMs ?? []))),
      freezes: sum(received, 'freezes'),
      frozenMs: Math.round(sum(received, 'frozenMs')),
      candidateType: own.findLast(({ measured }) => measured.candidateType !== undefined)?.measured.candidateType ?? null,
      failed: failureOf(own) ?? null,
    };
  });
}

/** @returns why nothing ever came of a user, unless something was sent after that was said. */
function failureOf(own: readonly Sample[]): string | undefined {
  const at = own.findLastIndex(({ measured }) => measured.failed !== undefined);
  const isOver = own.slice(at + 1).some(({ measured }) => measured.streams.some(({ way, packets }) => way === 'sent' && packets > 0));
  return isOver ? undefined : own[at]?.measured.failed;
}

/** Sound goes half of the speaker's round trip to Janus, half of the listener's, and waits in his buffer. */
function scoreOfSound({ sample, stream, packets, lost }: Stretch, roundTrips: ReadonlyMap<UserAlias, number | undefined>): number {
  const ways = (sample.measured.roundTripMs ?? roundTrips.get(sample.userAlias) ?? 0) + (roundTrips.get(stream.from) ?? 0);
  const bufferMs = stream.bufferMs ?? 2 * (stream.jitterMs ?? 0);
  return scoreOf(ratingOf({ delayMs: ways / 2 + bufferMs + packetMs, lossFraction: lossOf({ stream, packets, lost }) ?? 0 }));
}

function roundTripsOf(samples: readonly Sample[], user: UserAlias): number[] {
  return samples.flatMap(({ userAlias, measured }) => (userAlias === user ? (measured.roundTripMs ?? []) : []));
}

/** Each by what came in it: silence weighs nothing. */
function meanOf(scores: readonly { score: number; packets: number }[]): number {
  const weight = scores.reduce((all, { packets }) => all + packets, 0);
  return scores.reduce((all, { score, packets }) => all + score * packets, 0) / weight;
}

function sum(stretches: readonly Stretch[], what: 'packets' | 'lost' | 'freezes' | 'frozenMs'): number {
  return stretches.reduce((all, stretch) => all + stretch[what], 0);
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((one, other) => one - other);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}

const rounded = (value: number | undefined) => (value === undefined ? null : round(value));
