import { internal } from '@communication-center/contracts/internal';
import { ProblemError } from '../problem-error.js';
import type { ServiceClient } from '../service-client.js';
import { inNewTrace } from '../trace.js';
import { Endings, type LetInBy } from './endings.js';

const everyMs = 1000;
/** For so long what was told last counts: after that nobody is let in on it. */
const currentMs = 2000;
const answerMs = 900;
/** Whoever is let in has come to that by then; see {@link FollowEnds.requireStill}. */
const rememberSeconds = 60;

export interface FollowEndsOptions {
  directory: Pick<ServiceClient, 'ask'>;
  /** For so long credentials hold that are not asked of the directory when they are shown; a minute when left out. */
  rememberSeconds?: number;
  /**
   * Whether there is nobody who could be put out, nor anybody about to be let in: nothing is asked then. Whoever comes ends that, by
   * {@link FollowEnds.mark}, {@link FollowEnds.requireStill} or {@link FollowEnds.wake}. Never, when left out.
   */
  isNobodyIn?: () => boolean;
  /** Puts out who was let in by what has ended. */
  onEnded: (endings: Endings) => void;
  /** Called when it cannot be known what has ended: everyone is to be put out, and may come back. */
  onLost: () => void;
  onError: (error: unknown, doing: string) => void;
}

/** How far what has ended was known at some moment. */
export type Mark = { at: number };

/**
 * Asks the directory each second, once for the whole door, what has ended that lets somebody in. Who is in stays while it does
 * not answer; nobody is let in then, since nobody could say that they may.
 *
 * A door marks ({@link mark}) before it asks whose a credential is, and requires ({@link requireStill}) once it would put out who
 * holds it: what ended between the two is told to neither the one nor the other.
 */
export class FollowEnds {
  readonly #options: FollowEndsOptions;
  readonly #rememberSeconds: number;
  /** Up to which sequence all is known; undefined before the first answer. */
  #upTo: number | undefined;
  /** When the newest answer was asked for, by the clock that is not set. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #lately: { at: number; endings: Endings }[] = [];
  #lostAt = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #restingSince: number | undefined;
  #isFailing = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(options: FollowEndsOptions) {
    this.#options = options;
    this.#rememberSeconds = options.rememberSeconds ?? rememberSeconds;
  }

  start(): void {
    void this.#goOn();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /**
   * @returns a mark of now, to be required later; waits for an answer where the last one is old.
   * @throws ProblemError `service_unavailable` where none comes in two seconds.
   */
  async mark(): Promise<Mark> {
    this.#endRest();
    if (!this.#isCurrent()) await this.#nextAnswer(currentMs);
    if (!this.#isCurrent()) throw new ProblemError('service_unavailable', 'It cannot be said now whether this credential still holds');
    return { at: performance.now() };
  }

  /**
   * Called in the same turn in which who is let in becomes one whom {@link FollowEndsOptions.onEnded} would put out.
   * @throws ProblemError `unauthenticated` for what has ended since the mark, `service_unavailable` for a mark that is too old.
   */
  requireStill(letInBy: LetInBy, { at }: Mark): void {
    // What ended while it rested is told to the one who is in now.
    this.#endRest();
    if (performance.now() - at > this.#rememberSeconds * 1000 || this.#lostAt >= at)
      throw new ProblemError('service_unavailable', 'Letting in took too long: try again');
    if (this.#lately.some((one) => one.at >= at && one.endings.include(letInBy)))
      throw new ProblemError('unauthenticated', 'This credential was revoked');
  }

  /** Ends a rest, and waits until what has ended meanwhile is known; not for long where the directory is away. */
  async wake(): Promise<void> {
    this.#endRest();
    if (!this.#isCurrent() && !this.#isFailing) await this.#nextAnswer(answerMs);
  }

  /** Whether what lets somebody in has ended lately, before the mark or after it. */
  hasEnded(letInBy: LetInBy): boolean {
    return this.#lately.some(({ endings }) => endings.include(letInBy));
  }

  #isCurrent(): boolean {
    return performance.now() - this.#askedAt < currentMs;
  }

  #endRest(): void {
    if (this.#restingSince === undefined) return;
    // So long ago what ended has been forgotten elsewhere, and concerns nobody any more.
    if (performance.now() - this.#restingSince > this.#rememberSeconds * 1000) this.#upTo = undefined;
    this.#restingSince = undefined;
    void this.#goOn();
  }

  async #nextAnswer(withinMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, withinMs);
      this.#waiting.add(end);
    });
  }

  async #goOn(): Promise<void> {
    const askedAt = performance.now();
    let hasMore = false;
    try {
      hasMore = await inNewTrace(() => this.#ask()).catch(unlessUnheardOf);
      this.#askedAt = askedAt;
      this.#isFailing = false;
      for (const end of [...this.#waiting]) end();
    } catch (error) {
      // Once for each time that it goes away: it is asked every second.
      if (!this.#stopped && !this.#isFailing) this.#options.onError(error, 'asking what has ended');
      this.#isFailing = true;
    }
    if (this.#stopped) return;
    const pause = hasMore ? 0 : Math.max(50, everyMs - (performance.now() - askedAt));
    this.#timer = setTimeout(() => this.#restOrGoOn(), pause);
  }

  #restOrGoOn(): void {
    const mayRest = this.#waiting.size === 0 && this.#upTo !== undefined && this.#options.isNobodyIn?.();
    if (mayRest) this.#restingSince = performance.now();
    else void this.#goOn();
  }

  /** @returns whether there is more to be told. */
  async #ask(): Promise<boolean> {
    const since = this.#upTo;
    const query = since === undefined ? { seconds: this.#options.rememberSeconds ?? 0 } : { since };
    const told = await this.#options.directory.ask(internal.ended, { query }, { timeoutMs: answerMs });
    const now = performance.now();
    this.#lately = this.#lately.filter(({ at }) => now - at < this.#rememberSeconds * 1000);
    this.#upTo = told.upTo;
    if (!told.isWhole) {
      this.#lostAt = now;
      this.#options.onLost();
    } else if (told.ended.length > 0) {
      const endings = new Endings(told.ended);
      // A credential of before is shown again, maybe in the same minute.
      for (const one of told.ended)
        if (one.what === 'app_resumed') for (const { endings: before } of this.#lately) before.resume(one.appId);
      this.#lately.push({ at: now, endings });
      this.#options.onEnded(endings);
    }
    return told.hasMore;
  }
}

/** A directory of the release before does not know the question: there nothing is told to end. */
function unlessUnheardOf(error: unknown): false {
  if (error instanceof ProblemError && error.code === 'not_found') return false;
  throw error;
}
