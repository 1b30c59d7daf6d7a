/** A packet of RTP (RFC 3550, section 5.1), as far as it is needed here. */
export interface RtpPacket {
  ssrc: number;
  sequence: number;
  /** Of the media clock: 48 kHz of Opus, 90 kHz of pictures. */
  timestamp: number;
  /** Of pictures: the last packet of a frame. */
  isLast: boolean;
  payload: Buffer;
}

const fixedBytes = 12;

/** @returns the packet in a datagram; undefined for what is none. */
export function readRtp(bytes: Buffer): RtpPacket | undefined {
  if (bytes.length < fixedBytes) return undefined;
  const [first = 0, second = 0] = bytes;
  if (first >> 6 !== 2) return undefined;
  let start = fixedBytes + (first & 0x0f) * 4;
  if (first & 0x10) {
    if (start + 4 > bytes.length) return undefined;
    start += 4 + bytes.readUInt16BE(start + 2) * 4;
  }
  const end = bytes.length - (first & 0x20 ? (bytes.at(-1) ?? 0) : 0);
  if (start > end) return undefined;
  const [sequence, timestamp, ssrc] = [bytes.readUInt16BE(2), bytes.readUInt32BE(4), bytes.readUInt32BE(8)];
  return { ssrc, sequence, timestamp, isLast: (second & 0x80) !== 0, payload: bytes.subarray(start, end) };
}

/** @returns how far one sequence number is after another, from -32768 to 32767. */
export function sequenceAfter(one: number, other: number): number {
  return (((one - other) & 0xffff) << 16) >> 16;
}

/** A gap is waited for so long, in milliseconds: what was lost on its way to Janus comes again within that, or not at all. */
const waitMs = 150;
const mostHeld = 512;

/** Puts packets of one sender into their order: those that were lost, and came again, come late. */
export class InSequence {
  readonly #held = new Map<number, RtpPacket>();
  #next: number | undefined;
  #waitsSince = 0;

  /** @param now in milliseconds. @returns what follows now, and whether something before it is lost for good. */
  take(packet: RtpPacket, now: number): { packet: RtpPacket; isAfterGap: boolean }[] {
    this.#next ??= packet.sequence;
    const ahead = sequenceAfter(packet.sequence, this.#next);
    // So far away is another beginning.
    if (Math.abs(ahead) > mostHeld * 4) this.#beginAt(packet.sequence);
    else if (ahead < 0) return [];
    if (this.#held.size === 0) this.#waitsSince = now;
    this.#held.set(packet.sequence, packet);
    const out = this.#release(false);
    while (this.#held.size > 0 && (now - this.#waitsSince >= waitMs || this.#held.size > mostHeld)) {
      this.#next = this.#first();
      out.push(...this.#release(true));
    }
    if (out.length > 0) this.#waitsSince = now;
    return out;
  }

  #beginAt(sequence: number): void {
    this.#held.clear();
    this.#next = sequence;
  }

  #first(): number {
    const next = this.#next ?? 0;
    return [...this.#held.keys()].reduce((one, other) => (sequenceAfter(other, next) < sequenceAfter(one, next) ? other : one));
  }

  #release(isAfterGap: boolean): { packet: RtpPacket; isAfterGap: boolean }[] {
    const out: { packet: RtpPacket; isAfterGap: boolean }[] = [];
    for (let packet = this.#held.get(this.#next ?? 0); packet; packet = this.#held.get(this.#next ?? 0)) {
      this.#held.delete(packet.sequence);
      this.#next = (packet.sequence + 1) & 0xffff;
      out.push({ packet, isAfterGap: isAfterGap && out.length === 0 });
    }
    return out;
  }
}
