import type { End } from './link-peers.js';

interface IceRestartsOptions {
  /** Whether the other side can be asked now: it knows how, and answers. */
  mayAsk: () => boolean;
  /** Whether nothing comes over a connection that says it is lost: some say so for seconds longer than it is true. */
  isAstray: () => boolean;
  restart: () => Promise<void>;
  giveUp: (error: Error) => void;
}

/** A way that is lost is often found again by itself, so soon, in milliseconds. */
const patienceMs = 1000;
/** A restart is through, or comes to nothing, within so many milliseconds. */
const restartMs = 4000;

/**
 * Begins ICE anew (RFC 8445 §2.4) for connections that have lost their way, when that does not come back by itself: what they carry, and
 * who is at the other end, stays. One that has failed, and cannot begin anew or does not come back so, is given up.
 */
export class IceRestarts {
  readonly #options: IceRestartsOptions;
  readonly #lost = new Map<End, string>();
  #waiting: ReturnType<typeof setTimeout> | undefined;
  #restarting: ReturnType<typeof setTimeout> | undefined;

  constructor(options: IceRestartsOptions) {
    this.#options = options;
  }

  stateChanged(end: End, state: string): void {
    if (state === 'disconnected' || state === 'failed') this.#lost.set(end, state);
    else if (state === 'connected') this.#lost.delete(end);
    if (this.#lost.size === 0) return this.stop();
    if (state === 'failed' && this.#restarting === undefined) this.#begin();
    else if (state === 'disconnected') this.#waiting ??= setTimeout(() => this.#look(), patienceMs);
  }

  /** To be called now and then: the door may answer again, when the way is not found yet. */
  look(): void {
    if (this.#lost.size > 0 && this.#waiting === undefined && this.#restarting === undefined) this.#look();
  }

  /** The network is another one. */
  now(): void {
    this.#begin();
  }

  stop(): void {
    clearTimeout(this.#waiting);
    clearTimeout(this.#restarting);
    this.#waiting = undefined;
    this.#restarting = undefined;
  }

  #look(): void {
    this.#waiting = undefined;
    if (this.#options.isAstray()) this.#begin();
  }

  #begin(): void {
    this.stop();
    if (this.#options.mayAsk()) {
      this.#restarting = setTimeout(() => this.#end(), restartMs);
      void this.#options.restart();
    } else this.#end();
  }

  /** What has failed by now is given up; what is only lost may still come back, or fail. */
  #end(): void {
    this.#restarting = undefined;
    for (const [end, state] of this.#lost) if (state === 'failed') return this.#options.giveUp(new Error(`The ${end} connection failed`));
  }
}
