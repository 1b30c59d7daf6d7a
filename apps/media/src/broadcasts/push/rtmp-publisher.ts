import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { PushFault } from '@communication-center/contracts/broadcasts';
import { AmfFault, type AmfValue, readAmf, writeAmf } from './amf.js';
import type { FlvTag } from './flv.js';
import { ChunkFault, ChunkReader, type RtmpMessage, sentChunkBytes, writeChunks } from './rtmp-chunks.js';

/** Why nothing more goes to a server. */
export class PushFailed extends Error {
  constructor(
    readonly fault: PushFault,
    message: string,
  ) {
    super(message);
  }
}

const handshakeBytes = 1536;
/** What a server has not taken yet may be so much, in bytes: beyond that it is too slow. */
const mostUnsent = 4_000_000;
/** Of what a server is answered by the way so much may be unsent, in bytes: beyond that it is not answered. */
const mostUnanswered = 65_536;
/** A server says so much at most, in bytes, within so many milliseconds. */
const [mostHeard, heardWithinMs] = [1_000_000, 10_000];
const chunkStreams = { control: 2, command: 3, sound: 4, picture: 6 };

export interface Publishing {
  /** The app on the server, such as `live`. */
  app: string;
  /** The address without what is secret, as the server is told it. */
  url: string;
  streamKey: string;
  /** Until it may be published, and from then on for whatever it is sent to be taken, in milliseconds. */
  timeoutMs: number;
}

/** Publishes to a server by RTMP (Adobe's specification 1.0) over a connection that somebody else made, and judged. */
export class RtmpPublisher {
  readonly #reader = new ChunkReader();
  readonly #replies = new Map<string, (values: AmfValue[]) => void>();
  readonly #ended = Promise.withResolvers<never>();
  #shaking: { held: Buffer; done: () => void } | undefined;
  #heard = { bytes: 0, since: performance.now() };
  #got = 0;
  #told = 0;
  #window = 2_500_000;
  #chunkBytes = 128;
  #stream = 0;
  #transaction = 0;

  private constructor(private readonly socket: Socket) {
    this.#ended.promise.catch(() => undefined);
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#hearBytes(bytes));
    socket.on('error', (error) => this.#fail('broken', error.message));
    socket.on('close', () => this.#fail('broken', 'The server closed the connection'));
  }

  /** @returns a publisher that may be sent to. @throws PushFailed. */
  static async open(socket: Socket, publishing: Publishing): Promise<RtmpPublisher> {
    const publisher = new RtmpPublisher(socket);
    const timer = setTimeout(() => publisher.#fail('timed_out', 'The server does not answer'), publishing.timeoutMs);
    try {
      await Promise.race([publisher.#begin(publishing), publisher.#ended.promise]);
    } finally {
      clearTimeout(timer);
    }
    return publisher;
  }

  /** Rejects with a PushFailed once nothing more can be sent. */
  get failed(): Promise<never> {
    return this.#ended.promise;
  }

  /** Sends a tag; where the server takes too little it fails. */
  send({ type, at, bytes }: FlvTag): void {
    // What describes the stream is a call of its own there.
    const body = type === 18 ? Buffer.concat([writeAmf('@setDataFrame'), bytes]) : bytes;
    this.#write({ type, stream: this.#stream, at, bytes: body }, type === 9 ? chunkStreams.picture : chunkStreams.sound);
    if (this.socket.writableLength > mostUnsent) this.#fail('too_slow', 'The server takes less than is broadcast');
  }

  close(): void {
    this.#ended.reject(new PushFailed('broken', 'It was closed'));
    this.socket.destroy();
  }

  async #begin({ app, url, streamKey, timeoutMs }: Publishing): Promise<void> {
    await this.#shakeHands();
    const size = Buffer.alloc(4);
    size.writeUInt32BE(sentChunkBytes);
    this.#write({ type: 1, stream: 0, at: 0, bytes: size }, chunkStreams.control);
    this.#chunkBytes = sentChunkBytes;
    await this.#ask('connect', { app, type: 'nonprivate', flashVer: 'FMLE/3.0 (compatible; FMSc/1.0)', tcUrl: url });
    // Servers of old want to be told, and others do not mind.
    this.#command(0, 'releaseStream', ++this.#transaction, null, streamKey);
    this.#command(0, 'FCPublish', ++this.#transaction, null, streamKey);
    const [, stream] = await this.#ask('createStream', null);
    this.#stream = typeof stream === 'number' ? stream : 1;
    const published = this.#expect('onStatus');
    this.#command(this.#stream, 'publish', ++this.#transaction, null, streamKey, 'live');
    await published;
    this.socket.setTimeout(timeoutMs, () => {
      if (this.socket.writableLength > 0) this.#fail('timed_out', 'The server takes nothing');
    });
  }

  async #shakeHands(): Promise<void> {
    const own = randomBytes(handshakeBytes);
    own.fill(0, 0, 8);
    const shaken = new Promise<void>((resolve) => {
      this.#shaking = { held: Buffer.alloc(0), done: resolve };
    });
    this.socket.write(Buffer.concat([Buffer.from([3]), own]));
    await shaken;
  }

  /** What a server says is heard from the first byte on, in whatever parts it comes: nothing is lost between two of them. */
  #hearBytes(bytes: Buffer): void {
    const now = performance.now();
    if (now - this.#heard.since > heardWithinMs) this.#heard = { bytes: 0, since: now };
    this.#heard.bytes += bytes.length;
    if (this.#heard.bytes > mostHeard) return void this.#fail('refused', 'The server says more than any has to');
    if (this.#shaking) this.#shake(this.#shaking, bytes);
    else this.#take(bytes);
  }

  #shake(shaking: { held: Buffer; done: () => void }, bytes: Buffer): void {
    const before = shaking.held.length;
    shaking.held = Buffer.concat([shaking.held, bytes]);
    const { held } = shaking;
    if (held[0] !== 3) return void this.#fail('refused', 'The server does not speak RTMP');
    // What the server said is said back as soon as it is there: some wait for it.
    if (before < 1 + handshakeBytes && held.length >= 1 + handshakeBytes) this.socket.write(held.subarray(1, 1 + handshakeBytes));
    if (held.length < 1 + 2 * handshakeBytes) return;
    this.#shaking = undefined;
    shaking.done();
    const rest = held.subarray(1 + 2 * handshakeBytes);
    if (rest.length > 0) this.#take(rest);
  }

  #take(bytes: Buffer): void {
    try {
      for (const message of this.#reader.take(bytes)) this.#hear(message);
    } catch (error) {
      if (!(error instanceof ChunkFault || error instanceof AmfFault)) throw error;
      this.#fail('refused', `The server sends what is no RTMP: ${error.message}`);
    }
    this.#got += bytes.length;
    if (this.#got - this.#told < this.#window / 2) return;
    this.#told = this.#got;
    const got = Buffer.alloc(4);
    got.writeUInt32BE(this.#got % 0x100000000);
    this.#answer({ type: 3, stream: 0, at: 0, bytes: got });
  }

  #hear({ type, bytes }: RtmpMessage): void {
    if (type === 5 && bytes.length >= 4) this.#window = Math.max(10_000, bytes.readUInt32BE());
    // A ping is answered by the same (section 7.1.7).
    if (type === 4 && bytes.length >= 6 && bytes.readUInt16BE() === 6) {
      this.#answer({ type: 4, stream: 0, at: 0, bytes: Buffer.concat([Buffer.from([0, 7]), bytes.subarray(2, 6)]) });
    }
    if (type !== 20 && type !== 17) return;
    const [command, transaction, ...values] = readAmf(type === 17 ? bytes.subarray(1) : bytes);
    if (command === 'onStatus') {
      if (isError(values[1])) this.#fail('refused', `The server refuses: ${codeOf(values[1])}`);
      else if (codeOf(values[1]) === 'NetStream.Publish.Start') this.#reply('onStatus', values);
    } else if (command === '_result') this.#reply(String(transaction), values);
    // What servers of old are told is refused by others, and that is no matter.
    else if (command === '_error' && this.#replies.has(String(transaction)))
      this.#fail('refused', `The server refuses: ${codeOf(values[1])}`);
    else if (command === 'close') this.#fail('broken', 'The server ends it');
  }

  #reply(key: string, values: AmfValue[]): void {
    this.#replies.get(key)?.(values);
    this.#replies.delete(key);
  }

  #ask(command: string, about: AmfValue): Promise<AmfValue[]> {
    const transaction = ++this.#transaction;
    const reply = this.#expect(String(transaction));
    this.#command(0, command, transaction, about);
    return reply;
  }

  #expect(key: string): Promise<AmfValue[]> {
    return new Promise((resolve) => this.#replies.set(key, resolve));
  }

  #command(stream: number, ...values: AmfValue[]): void {
    this.#write({ type: 20, stream, at: 0, bytes: writeAmf(...values) }, chunkStreams.command);
  }

  /** Answers by the way: who asks, and does not read, is not answered for ever. */
  #answer(message: RtmpMessage): void {
    if (this.socket.writableLength < mostUnanswered) this.#write(message, chunkStreams.control);
  }

  #write(message: RtmpMessage, chunkStream: number): void {
    if (!this.socket.destroyed) this.socket.write(writeChunks(message, chunkStream, this.#chunkBytes));
  }

  #fail(fault: PushFault, message: string): PushFailed {
    const failed = new PushFailed(fault, message);
    this.#ended.reject(failed);
    this.socket.destroy();
    return failed;
  }
}

const fieldOf = (value: AmfValue | undefined, field: string) =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? value[field] : undefined;
const isError = (value: AmfValue | undefined) => fieldOf(value, 'level') === 'error';

/** Only what looks like a code is repeated: a server may say anything. */
function codeOf(value: AmfValue | undefined): string {
  const code = fieldOf(value, 'code');
  return typeof code === 'string' && /^[\w.]{1,80}$/.test(code) ? code : 'without a code';
}
