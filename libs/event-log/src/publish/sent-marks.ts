import type { Database } from '../database.js';
import { shardOf } from './lane-ownership.js';
import { type Lane, type LanesRead, marksOf, moveToSent, type ReadLimits, readLanes, type SentRow } from './lanes.js';

export interface MarksOptions {
  database: Database;
  /** Whether `sent` keeps the events of a topic, since no other table does. */
  keepsEvents: (topic: string) => boolean;
  /** How long a row waits for others to be marked with it, in milliseconds. */
  everyMs: number;
  onError: (error: unknown, doing: string) => void;
}

/** So many are marked without waiting any longer. */
const manyRows = 500;
/** With so many nothing more is sent before they are marked. */
const mostRows = 5000;

/**
 * Marks rows that the brokers have acknowledged, many at once: beside the sending, or by the statement that reads the next
 * ones. What is read has always been marked before as far as it was sent, so nothing is read that has been sent; a process that
 * dies leaves rows unmarked, and its heir sends them again, in their order.
 */
export class SentRowMarks {
  #waiting: SentRow[] = [];
  /** Being marked now. */
  #inHand: SentRow[] = [];
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(private readonly options: MarksOptions) {}

  get isFull(): boolean {
    return this.#waiting.length >= mostRows;
  }

  /** Whether rows of a shard are yet to be marked. */
  has(shard: number): boolean {
    const isOfIt = ({ partition }: SentRow) => shardOf(partition) === shard;
    return this.#waiting.some(isOfIt) || this.#inHand.some(isOfIt);
  }

  add(sent: readonly SentRow[]): void {
    this.#waiting.push(...sent);
    if (this.#waiting.length >= manyRows) this.#flushIn(0);
    else if (this.#waiting.length > 0 && !this.#timer) this.#flushIn(this.options.everyMs);
  }

  /** Marks what was sent. @throws when the database cannot be reached: the rows wait on. */
  async flush(): Promise<void> {
    if (this.#waiting.length + this.#inHand.length === 0) return;
    await this.#inTurn(async (rows) => {
      if (rows.length > 0) await moveToSent(this.options.database, this.#columnsOf(rows));
    });
  }

  /** Marks what was sent, and reads lanes of which nothing is being sent. @throws as {@link flush}. */
  async read(lanes: readonly Lane[], limits: ReadLimits): Promise<LanesRead> {
    return this.#inTurn((rows) => readLanes(this.options.database, lanes, limits, this.#columnsOf(rows)));
  }

  /** Marks the last ones, if that succeeds at once. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.flush().catch((error: unknown) => this.options.onError(error, 'marking the last events that were published'));
  }

  #columnsOf(rows: readonly SentRow[]) {
    return marksOf(rows, this.options.keepsEvents);
  }

  /** One statement at a time: who reads waits for what is being marked. */
  async #inTurn<T>(work: (rows: readonly SentRow[]) => Promise<T>): Promise<T> {
    const working = this.#turn.then(async () => {
      this.#inHand = this.#waiting;
      this.#waiting = [];
      try {
        return await work(this.#inHand);
      } catch (error) {
        this.#waiting = [...this.#inHand, ...this.#waiting];
        throw error;
      } finally {
        this.#inHand = [];
      }
    });
    this.#turn = working.catch(() => undefined);
    return working;
  }

  #flushIn(milliseconds: number): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.flush().catch((error: unknown) => {
        this.options.onError(error, 'marking events as published');
        this.#flushIn(300 + Math.random() * 400);
      });
    }, milliseconds);
  }
}
