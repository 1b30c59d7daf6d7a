import { pingInCallMs, Silence } from './silence.js';

/** A socket counts as lost after so many heartbeats without a sign of life. */
const silentBeats = 2.5;
/** In a call it does after so many milliseconds at most: somebody waits. */
const lostInCallMs = 8000;

/** Keeps a socket alive and notices when it is not: in a call soon, else with the patience that the Center asks for. */
export class Heartbeat {
  readonly #ping: () => void;
  readonly #lost: () => void;
  readonly #silence: Silence;
  #everyMs: number | undefined;
  #isInCall = false;
  #lastSign = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(does: { ping: () => void; lost: () => void; quiet: (isQuiet: boolean) => void }) {
    this.#ping = does.ping;
    this.#lost = does.lost;
    this.#silence = new Silence(does.quiet);
  }

  get isQuiet(): boolean {
    return this.#silence.isSilent;
  }

  start(everyMs: number): void {
    this.#everyMs = everyMs;
    this.#lastSign = Date.now();
    this.#run();
  }

  stop(): void {
    this.#everyMs = undefined;
    clearInterval(this.#timer);
    this.#silence.stop();
  }

  /** The socket said something. */
  heard(): void {
    this.#lastSign = Date.now();
    if (this.#isInCall && this.#everyMs !== undefined) this.#silence.heard();
  }

  /** Whether somebody waits for what comes over the socket. */
  inCall(isInCall: boolean): void {
    if (isInCall === this.#isInCall) return;
    this.#isInCall = isInCall;
    if (this.#everyMs !== undefined) this.#run();
  }

  #run(): void {
    const everyMs = this.#everyMs ?? 0;
    const beatMs = this.#isInCall ? Math.min(everyMs, pingInCallMs) : everyMs;
    const lostMs = this.#isInCall ? Math.min(silentBeats * everyMs, lostInCallMs) : silentBeats * everyMs;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      if (Date.now() - this.#lastSign > lostMs) this.#lost();
      else this.#ping();
    }, beatMs);
    if (!this.#isInCall) return this.#silence.stop();
    // What was said before is no answer to a ping.
    this.#ping();
    this.#silence.heard();
  }
}
