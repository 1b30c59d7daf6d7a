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
  /** Signs that were asked for since the last one came. */
  #asked = 0;

  constructor(line: Line) {
    this.#line = line;
    line.on('pong', () => this.note());
  }

  /** Something came. @returns when. */
  note(): number {
    this.#last = Date.now();
    this.#asked = 0;
    return this.#last;
  }

  /**
   * Asks for a sign, or cuts off who gave none for too long. To be called every `everyMs`. It takes two signs that were asked for and did not
   * come: of a process that stood still, the time that passed says nothing, and it has not read yet what came.
   */
  beat(now: number, everyMs: number): void {
    if (now - this.#last > silentBeats * everyMs && this.#asked >= 2) return this.#line.terminate();
    this.#asked += 1;
    this.#line.ping();
  }

  /** Closes; who does not answer that is cut off. */
  close(code: number, reason: string): void {
    this.#line.close(code, reason);
    setTimeout(() => this.#line.terminate(), closeMs).unref();
  }
}
