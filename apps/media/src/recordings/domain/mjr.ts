/*
 * The files in which Janus records what one section of a feed carries: `MJR00002`, the length of a JSON header in two bytes, the header,
 * and then each packet behind `MEET`, the milliseconds since the first one in four bytes, and its length in two (big-endian throughout;
 * https://janus.conf.meetecho.com/docs/recordings.html).
 */
import { z } from 'zod';

const magic = 'MJR00002';
const frameMagic = 0x4d454554;
const frameHeader = 10;
const rtpHeader = 12;
/** A header that is larger is none of Janus'. */
const longestHeader = 16_384;
/** So long without a packet, in milliseconds, and nothing was sent: the picture of before is not shown on. */
const silenceMs = 3000;
/** Clocks that differ by so much from one packet to the next are not the same clock any more. */
const jumpMs = 1000;
/** How long the least delay is looked for after a piece began, by when its packets came. */
const settleMs = 5000;
/** Of one file; whoever switches more often than that has what comes then as one. */
const mostPieces = 200;

const headerSchema = z.object({
  t: z.enum(['a', 'v', 'd']),
  c: z.string().max(20).optional(),
  d: z.string().max(1000).optional(),
  u: z.number().nonnegative(),
});

/** What the header of a file says. */
export interface MjrHeader {
  media: 'audio' | 'video' | 'data';
  /** Such as `opus` or `vp8`. */
  codec: string;
  /** How the section was described when it was published. */
  description: string | undefined;
  /** When the first packet came, in microseconds since 1970, by the clock of that Janus. */
  firstAt: number;
  /** Bytes before the first packet. */
  length: number;
  json: Record<string, unknown>;
}

/** @returns what the first bytes of a file say; `short` where more of them are needed, undefined where it is no such file. */
export function readMjrHeader(bytes: Buffer): MjrHeader | 'short' | undefined {
  if (bytes.length < magic.length + 2) return 'short';
  if (bytes.toString('latin1', 0, magic.length) !== magic) return undefined;
  const size = bytes.readUInt16BE(magic.length);
  const length = magic.length + 2 + size;
  if (size > longestHeader) return undefined;
  if (bytes.length < length) return 'short';
  try {
    const json = JSON.parse(bytes.toString('utf8', magic.length + 2, length)) as Record<string, unknown>;
    const { t, c = '', d, u } = headerSchema.parse(json);
    return { media: t === 'a' ? 'audio' : t === 'v' ? 'video' : 'data', codec: c, description: d, firstAt: u, length, json };
  } catch {
    return undefined;
  }
}

/** @returns a header for a part of the file whose header it was. */
export function headerOfPiece({ json }: MjrHeader, { firstAtMs }: Pick<MjrPiece, 'firstAtMs'>): Buffer {
  const text = Buffer.from(JSON.stringify({ ...json, u: Math.round(firstAtMs * 1000) }));
  const size = Buffer.alloc(2);
  size.writeUInt16BE(text.length);
  return Buffer.concat([Buffer.from(magic, 'latin1'), size, text]);
}

/** A part of a file that was sent without a break, by one clock. */
export interface MjrPiece {
  /** The bytes that its packets take in the file. */
  from: number;
  to: number;
  packets: number;
  /** When its first packet came, in milliseconds since 1970. */
  firstAtMs: number;
  /** When what its first packet carries would have come with the least delay, in milliseconds since 1970: what tracks are aligned on. */
  startsAtMs: number;
  /** How long it lasts by the sender's clock. */
  durationMs: number;
}

const clockOf = ({ media, codec }: Pick<MjrHeader, 'media' | 'codec'>): number =>
  media === 'video' ? 90_000 : codec === 'opus' ? 48_000 : 8000;

interface Packet {
  at: number;
  size: number;
  arrivedMs: number;
  timestamp: number;
}

/**
 * Finds, packet by packet, the pieces of a file, wherever its chunks are cut. The file of a Janus that was killed may end in the middle of a
 * packet; what follows anything that is no packet is left out.
 */
export class MjrScan {
  readonly pieces: MjrPiece[] = [];
  readonly #header: MjrHeader;
  readonly #ticksPerMs: number;
  #rest: Buffer = Buffer.alloc(0);
  #at: number;
  #isOver = false;
  #last: { arrivedMs: number; timestamp: number; ticks: number } | undefined;
  #lowestTicks = 0;
  #leastDelay = 0;

  constructor(header: MjrHeader) {
    this.#header = header;
    this.#at = header.length;
    this.#ticksPerMs = clockOf(header) / 1000;
  }

  /** @param chunk what follows in the file, behind its header. */
  take(chunk: Buffer): void {
    if (this.#isOver) return;
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let offset = 0;
    while (bytes.length - offset >= frameHeader) {
      if (bytes.readUInt32BE(offset) !== frameMagic) {
        this.#isOver = true;
        return;
      }
      const length = bytes.readUInt16BE(offset + 8);
      if (bytes.length - offset < frameHeader + length) break;
      const size = frameHeader + length;
      // What is no RTP packet says nothing of time.
      if (length >= rtpHeader) {
        const timestamp = bytes.readUInt32BE(offset + frameHeader + 4);
        this.#packet({ at: this.#at, size, arrivedMs: bytes.readUInt32BE(offset + 4), timestamp });
      }
      offset += size;
      this.#at += size;
    }
    this.#rest = bytes.subarray(offset);
  }

  #packet({ at, size, arrivedMs, timestamp }: Packet): void {
    const last = this.#last;
    const piece = this.pieces.at(-1);
    // Timestamps go round after 2^32 ticks; what is half of that away is before, not after.
    const moved = last ? ((timestamp - last.timestamp) | 0) / this.#ticksPerMs : 0;
    const passed = last ? arrivedMs - last.arrivedMs : 0;
    const isBreak = passed > silenceMs || Math.abs(moved - passed) > jumpMs;
    if (!last || !piece || (isBreak && this.pieces.length < mostPieces)) return this.#begin({ at, size, arrivedMs, timestamp });
    const ticks = last.ticks + ((timestamp - last.timestamp) | 0);
    this.#lowestTicks = Math.min(this.#lowestTicks, ticks);
    const firstMs = piece.firstAtMs - this.#header.firstAt / 1000;
    if (arrivedMs - firstMs <= settleMs) {
      this.#leastDelay = Math.min(this.#leastDelay, arrivedMs - firstMs - ticks / this.#ticksPerMs);
      piece.startsAtMs = piece.firstAtMs + this.#leastDelay + this.#lowestTicks / this.#ticksPerMs;
    }
    piece.to = at + size;
    piece.packets += 1;
    piece.durationMs = Math.max(piece.durationMs, (ticks - this.#lowestTicks) / this.#ticksPerMs);
    this.#last = { arrivedMs, timestamp, ticks };
  }

  #begin({ at, size, arrivedMs, timestamp }: Packet): void {
    const firstAtMs = this.#header.firstAt / 1000 + arrivedMs;
    this.pieces.push({ from: at, to: at + size, packets: 1, firstAtMs, startsAtMs: firstAtMs, durationMs: 0 });
    this.#last = { arrivedMs, timestamp, ticks: 0 };
    this.#lowestTicks = 0;
    this.#leastDelay = 0;
  }
}
