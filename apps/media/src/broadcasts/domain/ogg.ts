/* Opus in Ogg (RFC 3533, RFC 7845): what a decoder reads from a pipe as it comes, each packet in a page of its own. */
const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let rest = index << 24;
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 0x80000000 ? (rest << 1) ^ 0x04c11db7 : rest << 1;
  return rest >>> 0;
});

function crcOf(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) ^ (crcTable[((crc >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  return crc;
}

/** The longest that fits into a page, and longer than Opus ever is. */
const mostBytes = 255 * 255 - 1;

/** Makes a stream of pages of packets of Opus. */
export class OggOpus {
  #page = 0;
  #samples = 0n;

  constructor(private readonly serial: number) {}

  /** @returns what begins the stream: two channels at 48 kHz. */
  head(): Buffer {
    const about = Buffer.concat([Buffer.from('OpusHead'), Buffer.from([1, 2, 0, 0]), Buffer.alloc(7)]);
    about.writeUInt32LE(48_000, 12);
    const tags = Buffer.concat([Buffer.from('OpusTags'), Buffer.alloc(8)]);
    return Buffer.concat([this.#pageOf(about, 2), this.#pageOf(tags, 0)]);
  }

  /** @returns the page of a packet; undefined for what is none. */
  packet(bytes: Buffer): Buffer | undefined {
    const samples = samplesOf(bytes);
    if (samples === 0 || bytes.length > mostBytes) return undefined;
    this.#samples += BigInt(samples);
    return this.#pageOf(bytes, 0);
  }

  #pageOf(bytes: Buffer, flags: number): Buffer {
    const laces = Math.floor(bytes.length / 255) + 1;
    const head = Buffer.alloc(27 + laces, 255);
    head.write('OggS', 0, 'latin1');
    head[4] = 0;
    head[5] = flags;
    head.writeBigUInt64LE(this.#samples, 6);
    head.writeUInt32LE(this.serial, 14);
    head.writeUInt32LE(this.#page++, 18);
    head.writeUInt32LE(0, 22);
    head[26] = laces;
    head[26 + laces] = bytes.length % 255;
    const page = Buffer.concat([head, bytes]);
    page.writeUInt32LE(crcOf(page), 22);
    return page;
  }
}

/** Samples at 48 kHz of a frame, by configuration (RFC 6716, section 3.1). */
const frameSamples = [480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 480, 960].concat([
  ...[120, 240, 480, 960, 120, 240, 480, 960],
  ...[120, 240, 480, 960, 120, 240, 480, 960],
]);

/** @returns how many samples at 48 kHz a packet of Opus plays; 0 for what is none. */
export function samplesOf(bytes: Buffer): number {
  const [toc, second] = bytes;
  if (toc === undefined) return 0;
  const code = toc & 3;
  const frames = code === 0 ? 1 : code < 3 ? 2 : (second ?? 0) & 0x3f;
  const samples = (frameSamples[toc >> 3] ?? 0) * frames;
  // 120 ms is the longest.
  return samples <= 5760 ? samples : 0;
}
