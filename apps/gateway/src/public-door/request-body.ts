import type { Readable } from 'node:stream';
import { ProblemError } from '@communication-center/service';

export interface BodyLimits {
  /** Bytes at most. */
  most: number;
  /** For so long nothing may come. */
  silenceMs: number;
}

/**
 * Reads a body that is passed on as a whole, so that another replica can be asked with it when one cannot be reached.
 * @param limits `wholeMs`: for so long all of it may take, so that a byte now and then does not keep a place.
 * @returns its bytes; null where there are none.
 * @throws ProblemError as {@link piecesOf}, and `invalid_request` for a body that takes too long.
 */
export async function readWhole(body: Readable, { most, silenceMs, wholeMs }: BodyLimits & { wholeMs: number }): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  const end = Date.now() + wholeMs;
  for await (const piece of piecesOf(body, { most, silenceMs })) {
    pieces.push(piece);
    if (Date.now() > end) throw new ProblemError('invalid_request', 'The body did not arrive in time');
  }
  return pieces.length === 0 ? null : Buffer.concat(pieces);
}

/**
 * Passes a body on as it comes, as fast as it is taken. Nothing is read before the first piece is asked for: a replica that cannot be
 * reached leaves all of it to the next. The body is not destroyed when it is refused: with it the answer that says so would be lost.
 * @throws ProblemError `payload_too_large` once more than `most` bytes have come, `invalid_request` when it breaks off or pauses for
 * longer than `silenceMs`.
 */
export async function* piecesOf(body: Readable, { most, silenceMs }: BodyLimits): AsyncGenerator<Buffer, void, undefined> {
  const pieces = (body.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>)[Symbol.asyncIterator]();
  for (let bytes = 0; ; ) {
    const next = await within(silenceMs, pieces.next());
    if (next.done) return;
    bytes += next.value.length;
    if (bytes > most) throw new ProblemError('payload_too_large', `Send at most ${most} bytes`);
    yield next.value;
  }
}

async function within<T>(milliseconds: number, coming: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ProblemError('invalid_request', 'The body stopped coming')), milliseconds);
  });
  try {
    return await Promise.race([coming, silence]);
  } catch (error) {
    throw error instanceof ProblemError ? error : new ProblemError('invalid_request', 'The body broke off', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
