import type { RtpPacket } from './rtp.js';

/** A frame of VP8. */
export interface Vp8Frame {
  timestamp: number;
  isKey: boolean;
  bytes: Buffer;
}

/** A frame is no larger than this: whoever sends more sends rubbish. */
const mostBytes = 4_000_000;

/** @returns where the VP8 data of a payload begin (RFC 7741, section 4.2), and whether it begins a frame; undefined for what is none. */
export function vp8PayloadAt(payload: Buffer): { start: number; beginsFrame: boolean } | undefined {
  const [first] = payload;
  if (first === undefined) return undefined;
  let start = 1;
  if (first & 0x80) {
    const extension = payload[start++];
    if (extension === undefined) return undefined;
    if (extension & 0x80) start += (payload[start] ?? 0) & 0x80 ? 2 : 1;
    if (extension & 0x40) start += 1;
    if (extension & 0x30) start += 1;
  }
  return start < payload.length ? { start, beginsFrame: (first & 0x10) !== 0 && (first & 0x07) === 0 } : undefined;
}

/** Puts frames of VP8 together, and leaves out what cannot be decoded: everything from a loss to the next key frame. */
export class Vp8Frames {
  #parts: Buffer[] = [];
  #bytes = 0;
  #timestamp = 0;
  #lacksKey = true;

  /** Whether nothing can be shown before a key frame comes. */
  get lacksKey(): boolean {
    return this.#lacksKey;
  }

  /** @param isAfterGap something before the packet is lost. @returns the frame that it completes. */
  take({ payload, timestamp, isLast }: RtpPacket, isAfterGap: boolean): Vp8Frame | undefined {
    if (isAfterGap) this.#lose();
    const at = vp8PayloadAt(payload);
    if (!at) return undefined;
    if (at.beginsFrame) {
      // The one before never came to its end.
      if (this.#parts.length > 0 && timestamp !== this.#timestamp) this.#lose();
      if (this.#parts.length === 0) this.#timestamp = timestamp;
    } else if (this.#parts.length === 0) {
      this.#lose();
      return undefined;
    }
    this.#parts.push(payload.subarray(at.start));
    this.#bytes += payload.length - at.start;
    if (this.#bytes > mostBytes) this.#lose();
    return isLast ? this.#complete() : undefined;
  }

  #lose(): void {
    this.#parts = [];
    this.#bytes = 0;
    this.#lacksKey = true;
  }

  #complete(): Vp8Frame | undefined {
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    // A key frame has the lowest bit of its first byte clear, and a start code (RFC 6386, section 9.1).
    const isKey = bytes.length >= 10 && ((bytes[0] ?? 1) & 1) === 0 && bytes.readUIntBE(3, 3) === 0x9d012a;
    if (isKey) this.#lacksKey = false;
    return this.#lacksKey || bytes.length === 0 ? undefined : { timestamp: this.#timestamp, isKey, bytes };
  }
}

/** @returns width and height that a key frame says. */
export function sizeOfKeyFrame(bytes: Buffer): { width: number; height: number } {
  return { width: bytes.readUInt16LE(6) & 0x3fff, height: bytes.readUInt16LE(8) & 0x3fff };
}

/** @returns the head of an IVF file of VP8, the container that a decoder is given frames in. */
export function ivfHead({ width, height }: { width: number; height: number }): Buffer {
  const head = Buffer.alloc(32);
  head.write('DKIF', 0, 'latin1');
  head.writeUInt16LE(32, 6);
  head.write('VP80', 8, 'latin1');
  head.writeUInt16LE(width, 12);
  head.writeUInt16LE(height, 14);
  head.writeUInt32LE(90_000, 16);
  head.writeUInt32LE(1, 20);
  return head;
}

/** @param at in 90 kHz, later than the frame before. @returns what goes before a frame in an IVF file. */
export function ivfFrameHead(bytes: number, at: number): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(bytes, 0);
  head.writeBigUInt64LE(BigInt(at), 4);
  return head;
}
