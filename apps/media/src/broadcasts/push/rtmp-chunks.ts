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
/** Of messages that are under way, all together, in bytes. */
const mostKept = 262_144;
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
  type: number;
  stream: number;
  isExtended: boolean;
  /** How long its messages are, and the one that is under way, if any. */
  length: number;
  message: Buffer | undefined;
  got: number;
}

/**
 * Puts messages together of what a server sends, in whatever parts it comes. What is kept of them is bounded, and each byte is copied once, however small
 * the parts and the chunks are.
 */
export class ChunkReader {
  /** What is there of the head of a chunk. */
  #held: Buffer = Buffer.alloc(0);
  #chunkBytes = firstChunkBytes;
  readonly #streams = new Map<number, ChunkStream>();
  /** The chunk that is under way, and how much of it lacks. */
  #current: ChunkStream | undefined;
  #lacking = 0;

  /** How many bytes are kept of messages that are under way. */
  get keptBytes(): number {
    return [...this.#streams.values()].reduce((sum, { message }) => sum + (message?.length ?? 0), this.#held.length);
  }

  /** @returns the messages that are complete now. @throws ChunkFault. */
  take(bytes: Buffer): RtmpMessage[] {
    const messages: RtmpMessage[] = [];
    let rest = this.#held.length > 0 ? Buffer.concat([this.#held, bytes]) : bytes;
    for (;;) {
      const used = this.#current ? this.#fill(this.#current, rest, messages) : this.#begin(rest, messages);
      if (used === 0) break;
      rest = rest.subarray(used);
    }
    this.#held = Buffer.from(rest);
    return messages;
  }

  /** Takes what is there of the chunk under way. @returns how many bytes that were. */
  #fill(stream: ChunkStream, bytes: Buffer, messages: RtmpMessage[]): number {
    const part = bytes.subarray(0, this.#lacking);
    if (stream.message) part.copy(stream.message, stream.got);
    stream.got += part.length;
    this.#lacking -= part.length;
    if (this.#lacking > 0) return part.length;
    this.#current = undefined;
    if (stream.got === stream.length) this.#end(stream, messages);
    return part.length;
  }

  /** Begins a chunk by its head. @returns how many bytes that has; 0 where it is not there whole. */
  #begin(bytes: Buffer, messages: RtmpMessage[]): number {
    const head = headIn(bytes, (id) => this.#streams.get(id)?.isExtended === true);
    if (!head) return 0;
    const { id, kind, time } = head;
    const known = this.#streams.get(id);
    if (!known && kind !== 0) throw new ChunkFault('a chunk goes on with what never began');
    const stream = known ?? { at: 0, delta: 0, type: 0, stream: 0, isExtended: false, length: 0, message: undefined, got: 0 };
    this.#streams.set(id, stream);
    if (this.#streams.size > mostChunkStreams) throw new ChunkFault('too many chunk streams');
    // A head in the middle of a message is said again at most; one that says anything else begins another.
    if (kind < 2 && stream.got > 0 && stream.length !== head.length) [stream.message, stream.got] = [undefined, 0];
    if (kind < 2) [stream.length, stream.type] = [head.length, head.type];
    if (kind === 0) stream.stream = head.stream;
    if (kind < 3) stream.isExtended = head.isExtended;
    if (stream.length > mostBytes) throw new ChunkFault('a message is too long');
    if (stream.got === 0) {
      if (kind < 3) stream.delta = time;
      stream.at = kind === 0 ? time : stream.at + stream.delta;
      stream.message = Buffer.alloc(stream.length);
      if (this.keptBytes > mostKept) throw new ChunkFault('too many messages at once');
    }
    this.#lacking = Math.min(this.#chunkBytes, stream.length - stream.got);
    if (this.#lacking > 0) this.#current = stream;
    else this.#end(stream, messages);
    return head.bytes;
  }

  #end(stream: ChunkStream, messages: RtmpMessage[]): void {
    const { type, stream: of, at, message: bytes = Buffer.alloc(0) } = stream;
    [stream.message, stream.got] = [undefined, 0];
    if (type === 1) this.#resize(bytes);
    // Of a message that is broken off nothing more comes (section 5.4.2).
    const broken = type === 2 && bytes.length >= 4 ? this.#streams.get(bytes.readUInt32BE()) : undefined;
    if (broken) [broken.message, broken.got] = [undefined, 0];
    messages.push({ type, stream: of, at, bytes });
  }

  #resize(bytes: Buffer): void {
    const size = bytes.length >= 4 ? bytes.readUInt32BE() : 0;
    if (size < 1 || size > 0xffffff) throw new ChunkFault('chunks of no size');
    this.#chunkBytes = size;
  }
}

interface ChunkHead {
  id: number;
  kind: number;
  time: number;
  isExtended: boolean;
  length: number;
  type: number;
  stream: number;
  /** How long the head is. */
  bytes: number;
}

/** @param isExtended whether times of a chunk stream came in four bytes more last. @returns the head of a chunk; undefined where it is not there whole. */
function headIn(bytes: Buffer, isExtended: (id: number) => boolean): ChunkHead | undefined {
  const [first] = bytes;
  if (first === undefined) return undefined;
  const [kind, short] = [first >> 6, first & 0x3f];
  const start = short === 0 ? 2 : short === 1 ? 3 : 1;
  const end = start + ([11, 7, 3, 0][kind] ?? 0);
  if (bytes.length < end) return undefined;
  const id = short > 1 ? short : short === 0 ? (bytes[1] ?? 0) + 64 : (bytes[1] ?? 0) + (bytes[2] ?? 0) * 256 + 64;
  const saysTime = kind < 3;
  const said = saysTime ? bytes.readUIntBE(start, 3) : 0;
  const extended = saysTime ? said === laterTimes : isExtended(id);
  if (extended && bytes.length < end + 4) return undefined;
  return {
    ...{ id, kind, time: extended ? bytes.readUInt32BE(end) : said, isExtended: extended, bytes: end + (extended ? 4 : 0) },
    length: kind < 2 ? bytes.readUIntBE(start + 3, 3) : 0,
    type: kind < 2 ? (bytes[start + 6] ?? 0) : 0,
    stream: kind === 0 ? bytes.readUInt32LE(start + 7) : 0,
  };
}
