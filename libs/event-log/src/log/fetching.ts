import { AsyncLocalStorage } from 'node:async_hooks';

/** After so many fetches in a row that found nothing a consumer is at rest: some ten seconds. */
const quietAfter = 10;

/** What a fetch says of how long it may take. */
export interface Asked {
  /** A broker answers after so many milliseconds whatever it has. */
  maxWaitTime: number;
  /** It answers as soon as it has so much. */
  minBytes: number;
}

/** What can be asked of the connection to a broker through which fetches go. */
export interface FetchConnection {
  /** Ends whatever has no answer. */
  rejectRequests(error: Error): void;
}

/**
 * How one consumer fetches. Each fetch that finds nothing wakes both sides, so while nothing comes it may take longer: the broker
 * answers as soon as there is anything, so nothing is heard later for it. What else waits for the end of a fetch does not:
 *
 * - A stop ends the one under way (kafkajs cannot).
 * - Whether the group changes is asked behind a fetch, each heartbeat: it is to take no longer than one. Where there are several brokers, whoever
 *   joins anew waits for the fetches from all of them: there they take no longer than before.
 * - A partition that was paused for a failure is fetched again with the next one: what fails has just been fetched, so it is not quiet.
 */
export class Fetching {
  static readonly #current = new AsyncLocalStorage<Fetching>();
  readonly #underWay = new Set<FetchConnection>();
  #isOver = false;

  /** @param quietMs how long a fetch may take while nothing comes, in milliseconds. */
  constructor(private readonly quietMs: number) {}

  /** That of the consumer that runs this. */
  static get current(): Fetching | undefined {
    return Fetching.#current.getStore();
  }

  /** Whether whoever fetches wants no answer any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Runs a consumer: its fetches are made so from now on. */
  run<T>(work: () => Promise<T>): Promise<T> {
    return Fetching.#current.run(this, work);
  }

  /** @param inVain how many fetches in a row have found nothing by now. @returns how the next one is to be asked. */
  ask<T extends Asked>(wanted: T, inVain: number): T {
    // Who waits for much to come together hears of the first after a pause at once, and does not wait longer for it than before.
    const isQuiet = inVain >= quietAfter && this.#underWay.size === 0;
    return isQuiet && this.quietMs > wanted.maxWaitTime ? { ...wanted, maxWaitTime: this.quietMs, minBytes: 1 } : wanted;
  }

  /** Makes a fetch, which a stop ends. */
  async during<T>(connection: FetchConnection | undefined, fetch: () => Promise<T>): Promise<T> {
    if (!connection) return fetch();
    this.#underWay.add(connection);
    try {
      return await fetch();
    } finally {
      this.#underWay.delete(connection);
    }
  }

  /** Ends the fetches under way. To be called once the consumer was told to stop: it makes no other then. */
  end(): void {
    this.#isOver = true;
    for (const connection of this.#underWay) connection.rejectRequests(new Error('the consumer stops'));
  }
}
