/* Messages of RTMP in chunks (Adobe's RTMP specification 1.0, section 5.3). */

/** A message, on a stream of messages, at a time in milliseconds. */
export interface RtmpMessage {
  type: number;
  stream: number;
  at: number;
  bytes: Buffer;
}

/** What comes is not RTMP, or more than a server has to say. */
export class ChunkFault extends Error {}

/** What we send is cut into chunks of so many bytes, once the server was told so. */
export const sentChunkBytes = 4096;
const firstChunkBytes = 128;
/** A server says little. */
const mostBytes = 65_536;
const mostChunkStreams = 64;
const laterTimes = 0xffffff;

/** @param chunkBytes into which it is cut. @returns a message as chunks of a chunk stream (2 to 63), each with all that it says. */
export function writeChunks({ type, stream, at, bytes }: RtmpMessage, chunkStream: number, chunkBytes: number): Buffer {
  const isLate = at >= laterTimes;
  const head = Buffer.alloc(12 + (isLate ? 4 : 0));
  head[0] = chunkStream;
  head.writeUIntBE(isLate ? laterTimes : at, 1, 3);
  head.writeUIntBE(bytes.length, 4, 3);
  head[7] = type;
  head.writeUInt32LE(stream, 8);
  if (isLate) head.writeUInt32BE(at >>> 0, 12);
  const parts: Buffer[] = [head];
  const again = Buffer.from([0xc0 | chunkStream, ...(isLate ? head.subarray(12) : [])]);
  for (let start = 0; start === 0 || start < bytes.length; start += chunkBytes) {
    if (start > 0) parts.push(again);
    parts.push(bytes.subarray(start, start + chunkBytes));
  }
  return Buffer.concat(parts);
}

interface ChunkStream {
  at: number;
  delta: number;
  length: number;
  type: number;
  stream: number;
  isExtended: boolean;
  parts: Buffer[];
  got: number;
}

/** Puts messages together of what a server sends, in whatever parts it comes. */
export class ChunkReader {
  #held: Buffer = Buffer.alloc(0);
  #chunkBytes = firstChunkBytes;
  readonly #streams = new Map<number, ChunkStream>();

  /** @returns the messages that are complete now. @throws ChunkFault. */
  take(bytes: Buffer): RtmpMessage[] {
    this.#held = Buffer.concat([this.#held, bytes]);
    const messages: RtmpMessage[] = [];
    for (let used = this.#chunk(messages); used > 0; used = this.#chunk(messages)) this.#held = this.#held.subarray(used);
    if (this.#held.length > mostBytes * 2) throw new ChunkFault('chunks without an end');
    return messages;
  }

  /** @returns how many bytes the first chunk has; 0 where it is not there whole. */
  #chunk(messages: RtmpMessage[]): number {
    const held = this.#held;
    const [first] = held;
    if (first === undefined) return 0;
    const short = first & 0x3f;
    let start = short === 0 ? 2 : short === 1 ? 3 : 1;
    const kind = first >> 6;
    const headBytes = [11, 7, 3, 0][kind] ?? 0;
    if (held.length < start + headBytes) return 0;
    const id = short > 1 ? short : short === 0 ? (held[1] ?? 0) + 64 : (held[1] ?? 0) + (held[2] ?? 0) * 256 + 64;
    const before = this.#streams.get(id);
    if (!before && kind !== 0) throw new ChunkFault('a chunk goes on with what never began');
    const next: ChunkStream = before
      ? { ...before }
      : { at: 0, delta: 0, length: 0, type: 0, stream: 0, isExtended: false, parts: [], got: 0 };
    let time = next.isExtended ? laterTimes : 0;
    if (kind < 3) time = held.readUIntBE(start, 3);
    if (kind < 2) {
      next.length = held.readUIntBE(start + 3, 3);
      next.type = held[start + 6] ?? 0;
    }
    if (kind === 0) next.stream = held.readUInt32LE(start + 7);
    start += headBytes;
    if (kind < 3) next.isExtended = time === laterTimes;
    if (next.isExtended) {
      if (held.length < start + 4) return 0;
      time = held.readUInt32BE(start);
      start += 4;
    }
    if (next.length > mostBytes) throw new ChunkFault('a message is too long');
    const size = Math.min(this.#chunkBytes, next.length - next.got);
    if (held.length < start + size) return 0;
    if (next.got === 0) {
      if (kind < 3) next.delta = time;
      next.at = kind === 0 ? time : next.at + next.delta;
    }
    this.#add(id, next, held.subarray(start, start + size), messages);
    return start + size;
  }

  #add(id: number, stream: ChunkStream, part: Buffer, messages: RtmpMessage[]): void {
    const [parts, got] = [[...stream.parts, part], stream.got + part.length];
    const isWhole = got >= stream.length;
    this.#streams.set(id, { ...stream, parts: isWhole ? [] : parts, got: isWhole ? 0 : got });
    if (this.#streams.size > mostChunkStreams) throw new ChunkFault('too many chunk streams');
    if (!isWhole) return;
    const { type, stream: of, at } = stream;
    const message = { type, stream: of, at, bytes: Buffer.concat(parts) };
    if (type === 1) this.#resize(message.bytes);
    messages.push(message);
  }

  #resize(bytes: Buffer): void {
    const size = bytes.length >= 4 ? bytes.readUInt32BE() : 0;
    if (size < 1 || size > 0xffffff) throw new ChunkFault('chunks of no size');
    this.#chunkBytes = size;
  }
}
