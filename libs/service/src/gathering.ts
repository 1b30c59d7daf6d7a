import { AsyncLocalStorage } from 'node:async_hooks';
import { Spacing } from '@communication-center/event-log';
import { ProblemError } from './problem-error.js';
import { currentTraceparent, resumeTrace } from './trace.js';

/** How the work on one item went. */
export type Outcome<Result> = { done: Result } | { failed: unknown };

export interface GatheringOptions<Item, Result> {
  /**
   * Does what came together, in the traces of all of it. Of other asynchronous contexts it knows that in which the gathering was
   * made, not those of items.
   * @returns the outcome of each, in their order. What it throws is the outcome of all of them.
   */
  work: (items: readonly Item[]) => Promise<readonly Outcome<Result>[]>;
  /** So many items go together at most. */
  mostAtOnce: number;
  /** So many wait at most; who comes then is refused. */
  mostWaiting: number;
  /** Whose an item is: a group takes one of each in turn. All are of one when left out. */
  whose?: (item: Item) => string;
  /** How many of those that wait may be of one; all when left out. */
  mostWaitingOfOne?: number;
  /** How many groups are worked on side by side; 1 when left out. */
  groups?: number;
  /**
   * So many milliseconds apart groups are begun, unless one is full: what comes fast goes in fewer, larger ones, and what comes
   * after a pause waits for nothing all the same. As fast as they come when left out.
   */
  paceMs?: number;
  /** So many groups may be begun before their pace is kept: each pause gives one back for each `paceMs` it lasts. 1 when left out. */
  unpaced?: number;
  /** After so long, in milliseconds, a group holds up nobody behind it any more: the next goes beside it. It does for as long as it takes when left out. */
  slowMs?: number;
  /** Whether the members of a group that failed are worked on once more, each alone, so that one at fault fails alone. Not when left out. */
  mayFallApart?: (error: unknown) => boolean;
}

interface Waiting<Item, Result> {
  item: Item;
  traceparent: string | undefined;
  settle: (outcome: Outcome<Result>) => void;
}

/**
 * Lets what arrives while work is under way go together into the next: one statement, transaction or request for all of it. What
 * comes alone waits for nothing but the rest of what arrives in the same turn of the event loop.
 */
export class Gathering<Item, Result> {
  readonly #options: Required<GatheringOptions<Item, Result>>;
  /** Who has items waiting, in the order of turns. */
  readonly #queues = new Map<string, Waiting<Item, Result>[]>();
  readonly #inItsContext = AsyncLocalStorage.snapshot();
  #waiting = 0;
  #running = 0;
  #isDue = false;
  readonly #spacing: Spacing;
  #pacing: NodeJS.Timeout | undefined;

  constructor(options: GatheringOptions<Item, Result>) {
    this.#options = {
      whose: () => '',
      mostWaitingOfOne: options.mostWaiting,
      groups: 1,
      paceMs: 0,
      unpaced: 1,
      slowMs: 0,
      mayFallApart: () => false,
      ...options,
    };
    this.#spacing = new Spacing(this.#options.paceMs, this.#options.unpaced);
  }

  /**
   * Has one more item worked on. Those of one are begun in the order in which they came.
   * @returns what its work came to.
   * @throws what its work failed with; ProblemError `rate_limited` or `service_unavailable` when too many wait, of the same or in all: then nothing was begun.
   */
  async add(item: Item): Promise<Result> {
    const { whose, mostWaiting, mostWaitingOfOne } = this.#options;
    const owner = whose(item);
    const queue = this.#queues.get(owner) ?? [];
    if (queue.length >= mostWaitingOfOne) throw new ProblemError('rate_limited', 'Too much of this app waits already');
    if (this.#waiting >= mostWaiting) throw new ProblemError('service_unavailable', 'Too much waits already');
    const outcome = new Promise<Outcome<Result>>((settle) => {
      queue.push({ item, traceparent: currentTraceparent(), settle });
    });
    this.#queues.set(owner, queue);
    this.#waiting += 1;
    this.#beginSoon();
    const settled = await outcome;
    if ('failed' in settled) throw settled.failed;
    return settled.done;
  }

  #beginSoon(): void {
    const { groups, mostAtOnce } = this.#options;
    if (this.#isDue || this.#waiting === 0 || this.#running >= groups) return;
    const restMs = this.#waiting >= mostAtOnce ? 0 : this.#spacing.dueInMs();
    if (restMs <= 0) {
      clearTimeout(this.#pacing);
      this.#pacing = undefined;
      this.#isDue = true;
      setImmediate(() => this.#begin());
      return;
    }
    this.#pacing ??= setTimeout(() => {
      this.#pacing = undefined;
      this.#beginSoon();
    }, restMs);
  }

  #begin(): void {
    this.#isDue = false;
    this.#spacing.begun();
    const group = this.#take();
    const makeRoom = this.#takeRoom();
    void this.#inItsContext(() => resumeTrace(group, () => this.#work(group))).finally(makeRoom);
    // What is left over may go beside it.
    this.#beginSoon();
  }

  /** @returns what ends it; of itself it ends when a group takes too long. */
  #takeRoom(): () => void {
    const { slowMs } = this.#options;
    let isTaken = true;
    const makeRoom = () => {
      clearTimeout(timer);
      if (!isTaken) return;
      isTaken = false;
      this.#running -= 1;
      this.#beginSoon();
    };
    this.#running += 1;
    const timer = slowMs > 0 ? setTimeout(makeRoom, slowMs) : undefined;
    return makeRoom;
  }

  /** @returns the next group: of each who waits in turn, the one that came first. */
  #take(): Waiting<Item, Result>[] {
    const group: Waiting<Item, Result>[] = [];
    while (group.length < this.#options.mostAtOnce) {
      const [turn] = this.#queues;
      const next = turn?.[1].shift();
      if (!turn || !next) break;
      group.push(next);
      // Whose turn it was is the last to have the next.
      this.#queues.delete(turn[0]);
      if (turn[1].length > 0) this.#queues.set(...turn);
    }
    this.#waiting -= group.length;
    return group;
  }

  async #work(group: readonly Waiting<Item, Result>[]): Promise<void> {
    let outcomes: readonly Outcome<Result>[];
    try {
      outcomes = await this.#options.work(group.map(({ item }) => item));
    } catch (error) {
      if (group.length > 1 && this.#options.mayFallApart(error)) {
        for (const one of group) await this.#work([one]);
        return;
      }
      outcomes = group.map(() => ({ failed: error }));
    }
    for (const [index, { settle }] of group.entries()) settle(outcomes[index] ?? { failed: new Error('The work told no outcome of it') });
  }
}
