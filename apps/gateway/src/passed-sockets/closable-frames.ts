import { randomBytes } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { FrameEdges } from '../domain/frame-edges.js';

/** Passes one direction of a WebSocket on as it comes, and can end it with a close frame of its own, where a frame ends. */
export class ClosableFrames extends Transform {
  readonly #edges = new FrameEdges();
  #closing: Buffer | undefined;
  #isOver = false;

  /** @param to `service`: then what is added is masked, as all that a client sends (RFC 6455 §5.3). */
  constructor(private readonly to: 'client' | 'service') {
    super();
  }

  /** Adds a close frame after the frame that is under way, and nothing after that. */
  closeWith(code: number, reason: string): void {
    if (this.#closing || this.destroyed) return;
    this.#closing = closeFrame(code, reason, this.to === 'service');
    if (this.#edges.atEdge) this.#end();
  }

  override _transform(piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#isOver) return done();
    const edge = this.#edges.pass(piece);
    if (!this.#closing || edge === undefined) return done(null, piece);
    this.push(piece.subarray(0, edge));
    this.#end();
    done();
  }

  #end(): void {
    this.#isOver = true;
    if (!this.#edges.hasClosed) this.push(this.#closing);
    this.push(null);
  }
}

function closeFrame(code: number, reason: string, isMasked: boolean): Buffer {
  const told = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
  const mask = isMasked ? randomBytes(4) : Buffer.alloc(0);
  const payload = isMasked ? told.map((byte, index) => byte ^ (mask[index % 4] ?? 0)) : told;
  return Buffer.concat([Buffer.from([0x88, told.length | (isMasked ? 0x80 : 0)]), mask, payload]);
}
