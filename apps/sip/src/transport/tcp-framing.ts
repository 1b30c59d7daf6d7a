import { messageLimits } from '../messages/message-bounds.js';

const maxBytes = messageLimits.bytes;
/** The first one of a message counts; who sends two that differ is cut off where the next begins. */
const contentLength = /^(?:content-length|l)[ \t]{0,8}:[ \t\r\n]{0,8}(\d{1,8})[ \t]{0,8}$/im;

/**
 * Cuts a stream into messages by their Content-Length (RFC 3261 §18.3). Blank lines between them are keep-alives (RFC 5626 §3.5.1).
 */
export class TcpFraming {
  #waiting = Buffer.alloc(0);

  /** @returns the messages that are whole by now. @throws RangeError for a peer that sends what is no SIP, or too much of it. */
  take(chunk: Buffer): Buffer[] {
    this.#waiting = Buffer.concat([this.#waiting, chunk]);
    const whole: Buffer[] = [];
    for (;;) {
      const start = this.#waiting.findIndex((byte) => byte !== 13 && byte !== 10);
      if (start !== 0) this.#waiting = start < 0 ? Buffer.alloc(0) : this.#waiting.subarray(start);
      const end = this.#waiting.indexOf('\r\n\r\n');
      if (end < 0) break;
      const head = this.#waiting.subarray(0, end).toString('utf8');
      const length = Number(contentLength.exec(head)?.[1] ?? 0);
      const size = end + 4 + length;
      if (size > maxBytes) throw new RangeError(`A message of ${size} bytes`);
      if (this.#waiting.length < size) break;
      whole.push(this.#waiting.subarray(0, size));
      this.#waiting = this.#waiting.subarray(size);
    }
    if (this.#waiting.length > maxBytes) throw new RangeError('A message without an end');
    return whole;
  }
}
