import type { SessionId } from '@communication-center/contracts';
import type { Database, OutboxRelay } from '@communication-center/event-log';
import { DueRows } from '../due-rows.js';
import type { SessionRows } from './session-rows.js';

/** Sessions closed in one transaction at most: it takes some 50 ms, so that nothing waits long for it or for the event loop. */
export const closedAtOnce = 1000;

export interface CloserOptions<About, Reason extends string> {
  database: Database;
  rows: SessionRows<About, Reason>;
  relay: Pick<OutboxRelay, 'committed'>;
  onError: (error: unknown, doing: string) => void;
}

const retryMs = 500;

/**
 * Closes sessions whose sockets are gone, in groups: what comes while a group is being closed makes up the next one. What
 * PostgreSQL does not take is tried again until it does, in smaller groups, so that one that always fails fails alone.
 */
export class SessionCloser<About, Reason extends string> {
  readonly #options: CloserOptions<About, Reason>;
  readonly #pending = new Map<SessionId, Reason>();
  readonly #loop: DueRows;
  #groupSize = closedAtOnce;
  #notBefore = 0;

  constructor(options: CloserOptions<About, Reason>) {
    this.#options = options;
    this.#loop = new DueRows({
      name: 'closing sessions',
      work: () => this.#closePending(),
      onError: options.onError,
      maxPauseMs: 2 * retryMs,
    });
  }

  start(): void {
    this.#loop.start();
  }

  /** Closes what waits, if that succeeds at once. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    this.#notBefore = 0;
    await this.#closePending().catch((error: unknown) => this.#options.onError(error, 'closing the last sessions'));
  }

  /** At most one close for each session of this process waits, however long PostgreSQL is away. */
  add(sessionId: SessionId, reason: Reason): void {
    this.#pending.set(sessionId, reason);
    this.#loop.wake();
  }

  async #closePending(): Promise<number | null> {
    // A crowd that leaves while PostgreSQL is away does not hurry the next attempt.
    const wait = this.#notBefore - performance.now();
    if (wait > 0) return wait;
    while (this.#pending.size > 0) {
      const group = new Map(this.#pending.entries().take(this.#groupSize));
      try {
        const { database, rows, relay } = this.#options;
        relay.committed(await database.transaction((tx) => rows.close(tx, group)));
      } catch (error) {
        this.#putOff(group);
        throw error;
      }
      for (const sessionId of group.keys()) this.#pending.delete(sessionId);
      this.#groupSize = Math.min(closedAtOnce, 2 * this.#groupSize);
    }
    return null;
  }

  #putOff(group: ReadonlyMap<SessionId, Reason>): void {
    this.#notBefore = performance.now() + retryMs * (0.5 + Math.random());
    this.#groupSize = Math.max(1, group.size >> 1);
    if (group.size > 1) return;
    for (const [sessionId, reason] of group) {
      this.#pending.delete(sessionId);
      this.#pending.set(sessionId, reason);
    }
  }
}
