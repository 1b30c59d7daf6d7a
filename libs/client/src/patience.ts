/** How long a socket may be silent before it is connected, and how long it may take in all, in milliseconds. */
const usual = { silentMs: 8000, maxMs: 30_000, longestPauseMs: 5000 };
/** The same in a call: its people wait. After so many losses the Center is spared. */
const inCall = { silentMs: 2500, longestPauseMs: 1000, losses: 40 };
/**
 * A first packet that was lost is sent again by the platform after one, three and seven seconds: a network that is back is found sooner
 * by another socket. So the first tries in a call are short, but not shorter than so many times what the last opening took, and each
 * fourth is not, for a network that has become slower.
 */
const quick = { silentMs: 1300, tries: 20, timesLast: 4 };
/**
 * Where media tells when the network is back, sockets need not find out, and are tried seldom: Firefox goes on with first packets of
 * sockets that were given up, and opens no more than six beside them.
 */
const toldSilentMs = 5000;

/** How long a connection waits for a socket, and before the next one. */
export class Patience {
  #isInCall = false;
  #losses = 0;
  #beganAt = 0;
  #lastTookMs = 0;

  /** @param isTold whether something else tells when the network is back. */
  constructor(private readonly isTold: () => boolean = () => false) {}

  inCall(isInCall: boolean): void {
    this.#isInCall = isInCall;
  }

  /** A socket is being opened. */
  begin(): void {
    this.#beganAt = Date.now();
  }

  /** The socket is connected. */
  end(): void {
    this.#losses = 0;
    this.#lastTookMs = Date.now() - this.#beganAt;
  }

  /** @returns how long the socket may be silent from now on, in milliseconds. @param isHeard whether it has said anything. */
  forSilence(isHeard: boolean): number {
    const left = Math.max(0, this.#beganAt + usual.maxMs - Date.now());
    if (!this.#isHurried) return Math.min(usual.silentMs, left);
    if (!isHeard && this.isTold()) return Math.min(toldSilentMs, left);
    const isQuick = !isHeard && this.#losses < quick.tries && this.#losses % 4 !== 0;
    const quickMs = Math.max(quick.silentMs, quick.timesLast * this.#lastTookMs);
    return Math.min(isQuick ? Math.min(quickMs, inCall.silentMs) : inCall.silentMs, left);
  }

  /**
   * A socket is lost.
   * @param nobodyThere whether nobody has answered at all: then a short pause spares nobody less.
   * @returns how long it is waited before the next, in milliseconds, with chance in it.
   */
  pauseAfterLoss(nobodyThere: boolean): number {
    this.#losses += 1;
    const longest = this.#isHurried ? inCall.longestPauseMs : usual.longestPauseMs;
    const pause = nobodyThere && this.#isHurried ? 150 : Math.min(longest, 150 * 2 ** Math.min(this.#losses, 6));
    return pause * (0.5 + Math.random());
  }

  get #isHurried(): boolean {
    return this.#isInCall && this.#losses < inCall.losses;
  }
}
