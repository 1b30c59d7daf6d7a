import { type QualityFrame, qualityLimits, type SampledStream } from '@communication-center/contracts';
import type { Section } from './media-publisher.js';

/** What is used of the entries of `getStats` (W3C, Identifiers for WebRTC's Statistics API); which of it there is, is the platform's to say. */
interface Entry {
  id: string;
  type: string;
  kind?: string;
  mid?: string;
  localId?: string;
  state?: string;
  nominated?: boolean;
  selectedCandidatePairId?: string;
  localCandidateId?: string;
  candidateType?: string;
  protocol?: string;
  relayProtocol?: string;
  [figure: string]: unknown;
}

/** The statistics of a connection: a map of entries. */
export interface Stats {
  forEach(look: (entry: Entry) => void): void;
}

/** The two connections of a link, and what their sections carry. */
export interface Measurable {
  sending: Stats;
  receiving: Stats;
  sectionOf(mid: string): Section | undefined;
  streamOf(mid: string): string | undefined;
}

const mostMs = 60_000;
const mostPixels = 32_768;
const candidateTypes = ['host', 'srflx', 'prflx', 'relay'] as const;
const protocols = ['udp', 'tcp', 'tls'] as const;

/** @returns what the Center is told of how media comes and goes. What the platform does not count is left out. */
export function qualityOf({ sending, receiving, sectionOf, streamOf }: Measurable): QualityFrame {
  const [out, into] = [entriesOf(sending), entriesOf(receiving)];
  const sent = sentStreams(out, sectionOf);
  const received = into.flatMap((entry) => receivedStream(entry, streamOf));
  return { type: 'quality', ...(wayOf(out) ?? wayOf(into)), streams: [...sent, ...received].slice(0, qualityLimits.streams) };
}

/** A section that is sent in several sizes has an entry for each: together they are one stream. */
function sentStreams(entries: readonly Entry[], sectionOf: Measurable['sectionOf']): SampledStream[] {
  const streams = new Map<string, SampledStream>();
  for (const entry of entries) {
    const section = entry.type === 'outbound-rtp' ? sectionOf(entry.mid ?? '') : undefined;
    if (!section || count(entry, 'packetsSent') === 0) continue;
    const remote = entries.find(({ type, localId }) => type === 'remote-inbound-rtp' && localId === entry.id);
    const known = streams.get(section);
    const isPicture = section === 'video' || section === 'screen';
    streams.set(section, {
      way: 'sent',
      ...(section.startsWith('screen') && { screen: true as const }),
      media: isPicture ? 'video' : 'audio',
      bytes: count(entry, 'bytesSent', known?.bytes),
      packets: count(entry, 'packetsSent', known?.packets),
      lost: count(remote, 'packetsLost', known?.lost),
      ...milliseconds(remote, { roundTripMs: 'roundTripTime', jitterMs: 'jitter' }),
      ...(isPicture && { frames: Math.max(known?.frames ?? 0, count(entry, 'framesEncoded')), ...sizeOf(entry, known) }),
    });
  }
  return [...streams.values()];
}

function receivedStream(entry: Entry, streamOf: Measurable['streamOf']): SampledStream[] {
  const streamId = entry.type === 'inbound-rtp' ? streamOf(entry.mid ?? '') : undefined;
  if (streamId === undefined || (entry.kind !== 'audio' && entry.kind !== 'video')) return [];
  const [waited, played] = [figure(entry, 'jitterBufferDelay'), figure(entry, 'jitterBufferEmittedCount')];
  const bufferMs = waited !== undefined && played ? Math.min(mostMs, (1000 * waited) / played) : undefined;
  return [
    {
      ...{ way: 'received', streamId, media: entry.kind },
      bytes: count(entry, 'bytesReceived'),
      packets: count(entry, 'packetsReceived'),
      lost: count(entry, 'packetsLost'),
      ...milliseconds(entry, { jitterMs: 'jitter' }),
      ...(bufferMs !== undefined && { bufferMs }),
      ...(entry.kind === 'video' && {
        frames: count(entry, 'framesDecoded'),
        freezes: count(entry, 'freezeCount'),
        frozenMs: Math.min(Number.MAX_SAFE_INTEGER, Math.round(1000 * (figure(entry, 'totalFreezesDuration') ?? 0))),
        ...sizeOf(entry, undefined),
      }),
    },
  ];
}

/** @returns by which candidates media goes, and how long a check takes; undefined while none are chosen. */
function wayOf(entries: readonly Entry[]): Pick<QualityFrame, 'roundTripMs' | 'candidateType' | 'protocol'> | undefined {
  const chosen = entries.find(
    ({ type, selectedCandidatePairId }) => type === 'transport' && selectedCandidatePairId,
  )?.selectedCandidatePairId;
  const isPair = ({ id, type, state, nominated }: Entry) =>
    type === 'candidate-pair' && (chosen === undefined ? nominated === true && state === 'succeeded' : id === chosen);
  const pair = entries.find(isPair);
  if (!pair) return undefined;
  const local = entries.find(({ id }) => id === pair.localCandidateId);
  const candidateType = candidateTypes.find((one) => one === local?.candidateType);
  const protocol = protocols.find((one) => one === (local?.relayProtocol ?? local?.protocol));
  return {
    ...milliseconds(pair, { roundTripMs: 'currentRoundTripTime' }),
    ...(candidateType && { candidateType }),
    ...(protocol && { protocol }),
  };
}

function entriesOf(stats: Stats): Entry[] {
  const entries: Entry[] = [];
  stats.forEach((entry) => {
    entries.push(entry);
  });
  return entries;
}

function figure(entry: Entry | undefined, name: string): number | undefined {
  const value = entry?.[name];
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** Losses may count below zero, where packets came twice (RFC 3550 §6.4.1). */
const count = (entry: Entry | undefined, name: string, before = 0) =>
  Math.min(Number.MAX_SAFE_INTEGER, before + Math.round(figure(entry, name) ?? 0));

/** @returns the figures that there are, in milliseconds; the platform has seconds. */
function milliseconds<Name extends string>(entry: Entry | undefined, names: Record<Name, string>): Partial<Record<Name, number>> {
  const told = (Object.entries(names) as [Name, string][]).flatMap(([name, theirs]) => {
    const seconds = figure(entry, theirs);
    return seconds === undefined ? [] : [[name, Math.min(mostMs, Math.round(100_000 * seconds) / 100)] as const];
  });
  return Object.fromEntries(told) as Partial<Record<Name, number>>;
}

function sizeOf(entry: Entry, known: SampledStream | undefined): Pick<SampledStream, 'width' | 'height'> {
  const [width, height] = [figure(entry, 'frameWidth'), figure(entry, 'frameHeight')];
  if (width === undefined || height === undefined || (known?.width ?? 0) > width) return { width: known?.width, height: known?.height };
  return { width: Math.min(mostPixels, Math.round(width)), height: Math.min(mostPixels, Math.round(height)) };
}
