/** Something that waits in a row. */
export interface WaitsInRow {
  messageId: string;
  /** The job that hands it over again; null where it was never delivered. */
  jobId: string | null;
}

/**
 * What waits of an endpoint in rows, as far as it is in hand: when to read it next, and which of it is being tried. What jobs hand over
 * is counted apart, so that nothing else waits for it. Times are milliseconds since 1970.
 */
export class Waiting {
  /** What is being tried and not on record yet. */
  readonly #again = new Set<string>();
  readonly #replays = new Set<string>();
  /** When the first of what waits is due; null where nothing is known to wait. */
  #dueAt: number | null;
  #isBeingRead = false;
  /** Whether there is more of each than was read. */
  #hasMore = false;
  #hasMoreReplays = false;
  #isToldMeanwhile = false;

  constructor(dueAt: number | null) {
    this.#dueAt = dueAt;
  }

  get dueAt(): number | null {
    return this.#dueAt;
  }

  /** How much is being tried. */
  get inHand(): number {
    return this.#again.size + this.#replays.size;
  }

  /** When it is to be read, as far as that is known; null where not before something else happens. */
  get readAt(): number | null {
    return this.#isBeingRead || this.#again.size > 0 ? null : this.#dueAt;
  }

  /** Something waits, and is due then. */
  due(at: number): void {
    this.#dueAt = Math.min(at, this.#dueAt ?? Number.POSITIVE_INFINITY);
  }

  /** It is being read: what is put off meanwhile may not be in it. */
  reads(): void {
    this.#isBeingRead = true;
    this.#isToldMeanwhile = false;
    this.#dueAt = null;
  }

  couldNotRead(againAt: number): void {
    this.#isBeingRead = false;
    this.due(againAt);
  }

  /** There may be something, of which nobody told. */
  lookAgain(now: number): void {
    if (this.#dueAt === null && this.#again.size === 0 && !this.#isBeingRead) this.due(now);
  }

  /** Something waits now, beside what is known to. */
  told(now: number): void {
    if (this.#isBeingRead) this.#isToldMeanwhile = true;
    else this.due(now);
  }

  /**
   * It was read, so much of each kind at most, in the order of times.
   * @param takesFirst whether the first is taken though it is not due, if nothing is in hand.
   * @returns what is to be tried now.
   */
  read<Row extends WaitsInRow & { dueInMs: number }>(rows: readonly Row[], most: number, now: number, takesFirst: boolean): Row[] {
    const own = rows.filter(({ jobId }) => jobId === null);
    const ofJobs = rows.filter(({ jobId }) => jobId !== null);
    this.#isBeingRead = false;
    this.#hasMore = own.length >= most;
    this.#hasMoreReplays = ofJobs.length >= most;
    const taken = [own, ofJobs].flatMap((of) => this.#takeDue(of, now, takesFirst));
    if (this.#isToldMeanwhile) this.due(now);
    return taken;
  }

  #takeDue<Row extends WaitsInRow & { dueInMs: number }>(rows: readonly Row[], now: number, takesFirst: boolean): Row[] {
    const taken: Row[] = [];
    for (const row of rows) {
      if (this.#replays.has(row.messageId)) continue;
      if (row.dueInMs > 0 && !(takesFirst && this.inHand === 0)) {
        this.due(now + row.dueInMs);
        break;
      }
      this.#among(row).add(row.messageId);
      taken.push(row);
    }
    return taken;
  }

  /** It is on record what came of one. */
  ended(one: WaitsInRow, now: number): void {
    const among = this.#among(one);
    among.delete(one.messageId);
    const hasMore = one.jobId === null ? this.#hasMore : this.#hasMoreReplays;
    if (among.size === 0 && hasMore) this.due(now);
  }

  #among({ jobId }: WaitsInRow): Set<string> {
    return jobId === null ? this.#again : this.#replays;
  }
}
