import type { Database } from '@communication-center/event-log';
import type { How } from '../decide-in-groups/hold.js';
import type { Published } from '../decide-in-groups/save.js';
import { ConcernedChanged, tryAgain } from '../decide-in-groups/try-again.js';
import type { Looks, SecondChances } from '../domain/lateness.js';
import { Alone } from './alone.js';
import { claimDue, claimOne, type Deadline } from './due-deadlines.js';
import { type FiredDeadline, fireDeadlines } from './fire-deadlines.js';
import { look } from './looks.js';

export interface SweepOptions {
  database: Pick<Database, 'query' | 'transaction'>;
  committed: (published: Published) => void;
  onFired: (fired: FiredDeadline) => void;
  report: (error: unknown) => void;
  chances: SecondChances;
}

/**
 * Deadlines that one transaction fires at most: on two cores it takes a few tenths of a second, for which a command on one of
 * their calls may have to wait. With a fifth of it thousands at one moment took three times as long.
 */
const groupSize = 500;
/** Groups at a time. */
const lanes = 3;
/** Single deadlines at a time: each may have to wait for what somebody holds. */
const singles = 4;
/** Deadlines are in hand, here or elsewhere: look again soon, not at once. */
const busyPauseMs = 25;

/**
 * Fires what is due, in groups. What a group cannot have at once, and each member of a group that fails, is fired alone, beside
 * the groups that follow: one line that somebody holds delays nobody else's deadline.
 */
export class DeadlineSweep {
  /** Connections it uses at most. */
  static readonly connections = lanes + singles + 1;
  readonly #options: SweepOptions;
  readonly #lanes = new Set<Promise<void>>();
  readonly #alone: Alone;
  #looks: Looks | undefined;
  #isStopping = false;

  constructor(options: SweepOptions) {
    this.#options = options;
    this.#alone = new Alone((due) => this.#fireOne(due), options.report, singles);
  }

  /** Takes in hand what is due, without waiting for it. @returns milliseconds until the next look; null when nothing waits. */
  async look(): Promise<number | null> {
    const { database, chances } = this.#options;
    const { looks, waitMs } = await look(database, chances.outageAfterMs, this.#alone.calls);
    this.#looks = looks;
    if (waitMs === null || waitMs > 0) return waitMs;
    this.#openLane();
    return busyPauseMs;
  }

  /** Lets what is in hand finish. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#lanes);
    await this.#alone.stop();
  }

  #openLane(): void {
    if (this.#lanes.size >= lanes || this.#isStopping) return;
    const lane = this.#fireGroups().finally(() => this.#lanes.delete(lane));
    this.#lanes.add(lane);
  }

  /** Fires groups until one is not full; while they are, other lanes fire the next. */
  async #fireGroups(): Promise<void> {
    for (let isFull = true; isFull && !this.#isStopping; ) {
      isFull = await this.#fireGroup();
      if (isFull) this.#openLane();
    }
  }

  async #fireGroup(): Promise<boolean> {
    let claimed: Deadline[] = [];
    try {
      const left = await this.#transact('skipping', async (tx) => {
        claimed = await claimDue(tx, groupSize, this.#alone.calls);
        return claimed;
      });
      this.#alone.add(left);
    } catch (error) {
      this.#options.report(error);
      this.#alone.add(claimed);
    }
    return claimed.length === groupSize;
  }

  async #fireOne(due: Deadline): Promise<void> {
    await tryAgain(this.#options.database, async () => {
      const left = await this.#transact('waiting', (tx) => claimOne(tx, due));
      if (left.length > 0) throw new ConcernedChanged();
    });
  }

  /** Claims deadlines and fires them, in one transaction. @returns those that could not be fired so. */
  async #transact(how: How, claim: (tx: Parameters<typeof claimDue>[0]) => Promise<Deadline[]>): Promise<Deadline[]> {
    const { database, chances, committed, onFired } = this.#options;
    const looks = this.#looks;
    if (!looks) return [];
    const fired = await database.transaction(async (tx) => {
      const claimed = await claim(tx);
      return claimed.length === 0 ? undefined : fireDeadlines(tx, claimed, { how, looks, chances });
    });
    if (!fired) return [];
    committed(fired.published);
    for (const one of fired.fired) onFired(one);
    return fired.left;
  }
}
