/** `per_subject`: in order while they go through; `strict`: the next of a subject waits for the end of the one before; `none`: in any order. */
export type Ordering = 'per_subject' | 'strict' | 'none';

/** Something to deliver. */
export interface Task {
  messageId: string;
  subject: string;
  /** Its place in the log of the app; null where it is tried again. */
  position: number | null;
}

/** What became of a message that was offered. */
export type Taken = 'queued' | 'held' | 'passed' | 'known' | 'full';

/**
 * How far an endpoint has read its app's log, and what of it is in hand: no clock, no network, no database. Its position is the
 * last one up to which nothing is left to do or to write down, so whoever takes over reads on from there.
 */
export class Reader<T extends Task> {
  #cursor: number;
  /** What was read and is not settled yet, with the time it was read at: in the order of the log. */
  readonly #unsettled = new Map<number, number>();
  /** What was settled beyond the position it begins with, before this reader was there. */
  readonly #settledBefore: Set<number>;
  readonly #ready: T[] = [];
  readonly #again: T[] = [];
  /** What jobs hand over again goes when nothing else can. */
  readonly #replays: T[] = [];
  /** Subjects of which something of a job is ready or under way, and what comes after it. */
  readonly #replaysBehind = new Map<string, T[]>();
  /** Subjects that have something ready or under way, and what comes after it. */
  readonly #behind = new Map<string, T[]>();
  /** Strict: subjects of which something waits elsewhere, and how much of it. */
  readonly #blocked: Map<string, number>;
  #isAgainNext = true;

  constructor(
    position: number,
    private readonly ordering: Ordering,
    private readonly most: number,
    known: { settled?: Iterable<number>; blocked?: Iterable<[string, number]> } = {},
  ) {
    this.#cursor = position;
    this.#settledBefore = new Set(known.settled);
    this.#blocked = new Map(ordering === 'strict' ? known.blocked : []);
  }

  /** Up to where it has read. */
  get cursor(): number {
    return this.#cursor;
  }

  /** Up to where everything is settled. */
  get position(): number {
    const [first] = this.#unsettled.keys();
    return first === undefined ? this.#cursor : first - 1;
  }

  /** When the first of what is not settled was read: nothing beyond the position was tried before. Undefined where nothing is. */
  get unsettledSince(): number | undefined {
    const [first] = this.#unsettled.values();
    return first;
  }

  /** How much more it takes. */
  get room(): number {
    return Math.max(0, this.most - this.#unsettled.size);
  }

  get againWaiting(): number {
    return this.#again.length;
  }

  get hasNext(): boolean {
    return this.hasNextBut(false);
  }

  /** @param replays whether what jobs hand over is left aside. */
  hasNextBut(replays: boolean): boolean {
    return this.#ready.length > 0 || this.#again.length > 0 || (!replays && this.#replays.length > 0);
  }

  /** Whether nothing is in hand. */
  get isIdle(): boolean {
    return this.#unsettled.size === 0 && this.#again.length === 0 && this.#replays.length === 0;
  }

  /** Reads on to a place up to which the log has nothing more. */
  skipTo(position: number): void {
    if (position > this.#cursor) this.#cursor = position;
  }

  /**
   * Takes the next message of the log. `held`: it is of a subject that waits, and is to be written down as such, then settled.
   * `full`: it is not taken, nor may anything after it be.
   */
  offer(task: T & { position: number }, isWanted: boolean, now: number): Taken {
    if (task.position <= this.#cursor) return 'known';
    if (!isWanted || this.#settledBefore.delete(task.position)) {
      this.#cursor = task.position;
      return 'passed';
    }
    if (this.room === 0) return 'full';
    this.#cursor = task.position;
    this.#unsettled.set(task.position, now);
    const blocking = this.#blocked.get(task.subject);
    if (blocking !== undefined) {
      this.#blocked.set(task.subject, blocking + 1);
      return 'held';
    }
    this.#queue(task);
    return 'queued';
  }

  /** Takes something that is tried again, beside what is read. */
  offerAgain(task: T): void {
    this.#again.push(task);
  }

  /** Takes something that a job hands over: in order within its subject, as far as jobs are concerned, unless there is none. */
  offerReplay(task: T): void {
    if (this.ordering === 'none') {
      this.#replays.push(task);
      return;
    }
    const behind = this.#replaysBehind.get(task.subject);
    if (behind) behind.push(task);
    else {
      this.#replaysBehind.set(task.subject, []);
      this.#replays.push(task);
    }
  }

  /** An attempt of a job has ended, however: the next of its subject may go. */
  endedReplay(subject: string): void {
    const next = this.#replaysBehind.get(subject)?.shift();
    if (next) this.#replays.push(next);
    else this.#replaysBehind.delete(subject);
  }

  /**
   * @returns what is to be begun now; undefined where nothing can be. @param onlyAgain whether what was tried before goes first,
   * whatever waits. @param mayReplay whether it may be what a job hands over.
   */
  next(onlyAgain = false, mayReplay = true): T | undefined {
    const first = this.#isAgainNext || onlyAgain ? this.#again : this.#ready;
    this.#isAgainNext = !this.#isAgainNext;
    const other = first === this.#again ? this.#ready : this.#again;
    return first.shift() ?? other.shift() ?? (mayReplay ? this.#replays.shift() : undefined);
  }

  /** Puts back what could not be begun. */
  putBack(task: T): void {
    (task.position === null ? this.#again : this.#ready).unshift(task);
  }

  /**
   * An attempt has ended: what comes after it may go, unless it waits here for its next attempt and the order is strict.
   * @returns what is to be held of what was queued behind it.
   */
  ended(task: T, isSettled: boolean): T[] {
    if (task.position === null || this.ordering === 'none') return [];
    const behind = this.#behind.get(task.subject) ?? [];
    if (isSettled || this.ordering !== 'strict') {
      const next = behind.shift();
      if (next) this.#ready.push(next);
      else this.#behind.delete(task.subject);
      return [];
    }
    this.#behind.delete(task.subject);
    this.#blocked.set(task.subject, (this.#blocked.get(task.subject) ?? 0) + 1 + behind.length);
    return behind;
  }

  /** What waited has come to its end. @returns whether more of its subject waits, of which the first is to be let go. */
  freed(subject: string): boolean {
    const blocking = this.#blocked.get(subject);
    if (blocking === undefined) return false;
    if (blocking > 1) this.#blocked.set(subject, blocking - 1);
    else this.#blocked.delete(subject);
    return blocking > 1;
  }

  /** It is on record what became of a message. */
  settled(position: number | null): void {
    if (position !== null) this.#unsettled.delete(position);
  }

  /** Lets go of what has not begun. */
  drop(): void {
    this.#ready.splice(0);
    this.#again.splice(0);
    this.#replays.splice(0);
    this.#replaysBehind.clear();
    for (const behind of this.#behind.values()) behind.splice(0);
  }

  #queue(task: T): void {
    if (this.ordering === 'none') {
      this.#ready.push(task);
      return;
    }
    const behind = this.#behind.get(task.subject);
    if (behind) behind.push(task);
    else {
      this.#behind.set(task.subject, []);
      this.#ready.push(task);
    }
  }
}
