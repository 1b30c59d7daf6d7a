/* FLV (Adobe's specification 10.1, annex E): its tags are what RTMP carries as messages. */

/** Sound (8), picture (9) or data (18), at a time in milliseconds. */
export interface FlvTag {
  type: number;
  at: number;
  bytes: Buffer;
}

/** What should be FLV is none. */
export class FlvFault extends Error {}

const headBytes = 9;
const mostBytes = 8_000_000;

/** Reads tags of FLV in whatever parts it comes. */
export class FlvReader {
  #held: Buffer = Buffer.alloc(0);
  #hasBegun = false;

  /** @returns the tags that are complete now. @throws FlvFault. */
  take(bytes: Buffer): FlvTag[] {
    this.#held = Buffer.concat([this.#held, bytes]);
    const tags: FlvTag[] = [];
    if (!this.#hasBegun) {
      if (this.#held.length < headBytes + 4) return tags;
      if (this.#held.toString('latin1', 0, 3) !== 'FLV') throw new FlvFault('it does not begin as FLV');
      this.#held = this.#held.subarray(headBytes + 4);
      this.#hasBegun = true;
    }
    while (this.#held.length >= 11) {
      const length = this.#held.readUIntBE(1, 3);
      if (length > mostBytes) throw new FlvFault('a tag is too long');
      if (this.#held.length < 11 + length + 4) break;
      const at = this.#held.readUIntBE(4, 3) + (this.#held[7] ?? 0) * 0x1000000;
      tags.push({ type: (this.#held[0] ?? 0) & 0x1f, at, bytes: this.#held.subarray(11, 11 + length) });
      this.#held = this.#held.subarray(11 + length + 4);
    }
    return tags;
  }
}
