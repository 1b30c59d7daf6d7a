/** What is needed of a WebSocket to know whether its other end lives. */
interface Line {
  ping(): void;
  terminate(): void;
  close(code: number, reason: string): void;
  on(event: 'pong', listener: () => void): void;
}

/** So many heartbeats may pass in silence. */
const silentBeats = 2.5;
/** How long the other end may take to answer a close. */
const closeMs = 2000;

/** Whether the other end of a socket still lives: whatever it sends is a sign, and it is asked for one. */
export class SignsOfLife {
  readonly #line: Line;
  #last = Date.now();

  constructor(line: Line) {
    this.#line = line;
    line.on('pong', () => this.note());
  }

  /** Something came. @returns when. */
  note(): number {
    this.#last = Date.now();
    return this.#last;
  }

  /** Asks for a sign, or cuts off who gave none for too long. To be called every `everyMs`. */
  beat(now: number, everyMs: number): void {
    if (now - this.#last > silentBeats * everyMs) this.#line.terminate();
    else this.#line.ping();
  }

  /** Closes; who does not answer that is cut off. */
  close(code: number, reason: string): void {
    this.#line.close(code, reason);
    setTimeout(() => this.#line.terminate(), closeMs).unref();
  }
}
