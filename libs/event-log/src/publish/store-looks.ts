import type { Sql } from '../database.js';

/** Finds events of `calls.events`, `limit` or fewer, that a store took between two times (as PostgreSQL writes them) and never gave to the outbox. */
export type NeverGiven = (sql: Sql, span: { after: string; until: string; limit: number }) => Promise<{ key: string; sequence: number }[]>;

/** So much of the time that is compared is looked through at once, in milliseconds: each look goes through all that was published meanwhile. */
const spanMs = 60_000;
const limit = 1000;

/** Looks through a store for what it never gave, once for many steps of a comparison. */
export class StoreLooks {
  /** Up to when the store was looked through. */
  #until: string | undefined;

  constructor(
    private readonly sql: Sql,
    private readonly neverGiven: NeverGiven | undefined,
  ) {}

  /**
   * @param step what is being compared: times as PostgreSQL writes them, and whether there is no more behind it.
   * @returns what was never given; nothing where the look is left to a later step.
   */
  async look({ after, until, isAll }: { after: string; until: string; isAll: boolean }): Promise<{ key: string; sequence: number }[]> {
    // Whoever compared before may have ended between two looks.
    this.#until ??= new Date(Date.parse(after) - 2 * spanMs).toISOString();
    if (!this.neverGiven || (!isAll && Date.parse(until) - Date.parse(this.#until) < spanMs)) return [];
    const found = await this.neverGiven(this.sql, { after: this.#until, until, limit });
    // Where so many were found there may be more.
    if (found.length < limit) this.#until = until;
    return found;
  }

  /** The next look begins where what is on record says. */
  forget(): void {
    this.#until = undefined;
  }
}
