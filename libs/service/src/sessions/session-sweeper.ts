import type { Database, OutboxRelay } from '@communication-center/event-log';
import { DueRows } from '../due-rows.js';
import type { Lease } from './lease.js';
import { closedAtOnce } from './session-closer.js';
import type { SessionRows } from './session-rows.js';

export interface SweeperOptions<About, Reason extends string> {
  database: Database;
  rows: SessionRows<About, Reason>;
  lease: Lease;
  leaseMs: number;
  /** The reason given for sessions of a process that stopped renewing. */
  lostReason: Reason;
  relay: Pick<OutboxRelay, 'committed' | 'publishingAfter'>;
  onError: (error: unknown, doing: string) => void;
}

/**
 * Closes the sessions of dead processes, in groups of one transaction each: what a sweep leaves half done, the next one goes
 * on with, in whatever process. Several share the work, since each takes what the others are not at.
 */
export class SessionSweeper<About, Reason extends string> {
  readonly #options: SweeperOptions<About, Reason>;
  readonly #loop: DueRows;
  #stopping = false;

  constructor(options: SweeperOptions<About, Reason>) {
    this.#options = options;
    this.#loop = new DueRows({
      name: 'sweeping for sessions of dead processes',
      work: () => this.#sweep(),
      onError: options.onError,
      maxPauseMs: Math.min(1000, options.leaseMs / 4),
    });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#loop.stop();
  }

  /** Closes all sessions of a process that nobody else is closing. */
  async closeAll(processId: string, reason: Reason, goOn: () => boolean): Promise<void> {
    const closeGroup = async () => {
      const { database, rows, relay } = this.#options;
      const { closed, woken } = await database.transaction((tx) => rows.closeSome(tx, processId, closedAtOnce, reason));
      relay.committed(woken);
      return closed;
    };
    if (!goOn() || (await closeGroup()) === 0) return;
    await this.#options.relay.publishingAfter(async () => {
      while (goOn() && (await closeGroup()) > 0);
    });
  }

  /** Forgets a process that has no sessions. @returns whether it is gone; not while somebody opens or closes one. */
  async forget(processId: string): Promise<boolean> {
    return this.#options.database.transaction(async (tx) => {
      const free = await tx.query('SELECT FROM processes WHERE process_id = $1 FOR UPDATE SKIP LOCKED', [processId]);
      if (free.rows.length > 0) {
        // A statement of its own: it sees what committed until the row was locked, and from there on nothing is opened.
        await tx.query('DELETE FROM processes WHERE process_id = $1 AND NOT EXISTS (SELECT FROM sessions WHERE process_id = $1)', [
          processId,
        ]);
      }
      const { rows } = await tx.query('SELECT FROM processes WHERE process_id = $1', [processId]);
      return rows.length === 0;
    });
  }

  async #sweep(): Promise<null> {
    if (!this.#options.lease.mayJudge) return null;
    for (const processId of await this.#dead()) {
      await this.closeAll(processId, this.#options.lostReason, () => !this.#stopping);
      if (!this.#stopping) await this.forget(processId);
    }
    return null;
  }

  /** Expels whoever stopped renewing. @returns all that are expelled and still on record. */
  async #dead(): Promise<string[]> {
    const { database, lease, leaseMs } = this.#options;
    const late = await database.query('SELECT FROM processes WHERE expires_at < now() LIMIT 1');
    if (late.rows.length === 0) return [];
    // Judged in the statement that expels, by the database's clock, and only by who has renewed lately.
    await database.query(
      `UPDATE processes SET expires_at = '-infinity'
       WHERE expires_at < now() AND expires_at > '-infinity'
         AND EXISTS (SELECT FROM processes AS mine WHERE mine.process_id = $1 AND mine.expires_at > now() + make_interval(secs => $2))`,
      [lease.processId, leaseMs / 2000],
    );
    const { rows } = await database.query<{ process_id: string }>(
      `SELECT process_id FROM processes WHERE expires_at = '-infinity' ORDER BY random()`,
    );
    return rows.map(({ process_id }) => process_id);
  }
}
