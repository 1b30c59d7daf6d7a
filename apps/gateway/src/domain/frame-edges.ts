const closeOpcode = 8;

/**
 * Where frames end in the bytes of one direction of a WebSocket (RFC 6455 §5.2), which come in pieces of any size. Only lengths
 * are read: what is inside is not this door's.
 */
export class FrameEdges {
  #header: number[] = [];
  #left = 0;
  #hasClosed = false;

  /** Whether all that came are whole frames. */
  get atEdge(): boolean {
    return this.#left === 0 && this.#header.length === 0;
  }

  /** Whether a close frame began: none may follow it. */
  get hasClosed(): boolean {
    return this.#hasClosed;
  }

  /** @returns after how many of these bytes the first frame ends that ends in them; undefined when none does. */
  pass(bytes: Uint8Array): number | undefined {
    let first: number | undefined;
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at);
        this.#left -= passed;
        at += passed;
      } else {
        this.#readHeader(bytes[at] ?? 0);
        at += 1;
      }
      if (this.atEdge) first ??= at;
    }
    return first;
  }

  #readHeader(byte: number): void {
    this.#header.push(byte);
    const [first = 0, second = 0] = this.#header;
    const short = second & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskBytes = second & 0x80 ? 4 : 0;
    if (this.#header.length < 2 || this.#header.length < 2 + lengthBytes + maskBytes) return;
    const long = this.#header.slice(2, 2 + lengthBytes).reduce((length, next) => length * 256 + next, 0);
    this.#left = lengthBytes === 0 ? short : long;
    this.#hasClosed ||= (first & 0x0f) === closeOpcode;
    this.#header = [];
  }
}
