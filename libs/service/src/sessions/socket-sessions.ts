import type { SessionId } from '@communication-center/contracts';
import { type Database, isInfrastructureFailure, type OutboxRelay } from '@communication-center/event-log';
import { Gathering, type Outcome } from '../gathering.js';
import { ProblemError } from '../problem-error.js';
import { currentTraceparent } from '../trace.js';
import { Lease } from './lease.js';
import { SessionCloser } from './session-closer.js';
import { type SessionEvents, SessionRows, type SocketSession, type TracedSession } from './session-rows.js';
import { SessionSweeper } from './session-sweeper.js';

export interface SocketSessionsOptions<About, Reason extends string> extends SessionEvents<About, Reason> {
  /** For what a socket waits for. */
  database: Database;
  /** For closing, which nobody waits for. */
  closeOn: Database;
  relay: Pick<OutboxRelay, 'committed' | 'publishingAfter'>;
  /** How long this process counts as alive after it last said so. */
  leaseMs: number;
  /** In a crowd, sessions are opened so many milliseconds apart, and so is all that follows from each group; 0 when left out. */
  paceMs?: number;
  /** The reason given for sessions of a process that stopped renewing. */
  lostReason: Reason;
  /** Called when others took this process for dead: every socket must be closed. */
  onExpelled: () => void;
  onError: (error: unknown, doing: string) => void;
}

/** How long a stop tries to leave nothing for others to close. */
const leaveMs = 7000;

/** Sessions opened or changed in one transaction at most: nobody waits long for one, and a crowd is soon through. */
const openedAtOnce = 250;
/** A transaction that waits for a lock, or for a connection, holds up for so long those that need not. */
const slowMs = 250;
/** More devices than one gateway serves never wait. */
const mostWaiting = 20_000;

interface Mine<Reason> {
  /** Whether its row may yet come: until then it is not closed. */
  isOpening: boolean;
  /** Whether the commit was asked for: from then on the row may be there. */
  mayBeThere?: boolean;
  closed?: Reason;
}

interface Opening<About, Reason> extends TracedSession<About> {
  mine: Mine<Reason>;
}

/**
 * The live sockets of this process, each a row that ends with its socket or, when the process dies, with the process's
 * lease: any other process, or the next one, then closes what it left. So no session outlives its socket for long.
 */
export class SocketSessions<About, Reason extends string> {
  readonly #options: SocketSessionsOptions<About, Reason>;
  readonly #rows: SessionRows<About, Reason>;
  readonly #lease: Lease;
  readonly #closer: SessionCloser<About, Reason>;
  readonly #sweeper: SessionSweeper<About, Reason>;
  readonly #mine = new Map<SessionId, Mine<Reason>>();
  readonly #openings: Gathering<Opening<About, Reason>, void>;
  readonly #changes: Gathering<TracedSession<About>, void>;

  constructor(options: SocketSessionsOptions<About, Reason>) {
    this.#options = options;
    this.#rows = new SessionRows(options);
    this.#lease = new Lease(options);
    const closing = { database: options.closeOn, rows: this.#rows, relay: options.relay, onError: options.onError };
    this.#closer = new SessionCloser(closing);
    this.#sweeper = new SessionSweeper({ ...closing, lease: this.#lease, leaseMs: options.leaseMs, lostReason: options.lostReason });
    const together = {
      mostAtOnce: openedAtOnce,
      mostWaiting,
      whose: ({ appId }: TracedSession<About>) => appId,
      paceMs: options.paceMs ?? 0,
      slowMs,
      // Where PostgreSQL is away, each alone would wait for it in turn.
      mayFallApart: (error: unknown) => !isInfrastructureFailure(error),
    };
    this.#openings = new Gathering<Opening<About, Reason>, void>({ ...together, work: (group) => this.#openTogether(group) });
    this.#changes = new Gathering<TracedSession<About>, void>({ ...together, work: (group) => this.#changeTogether(group) });
  }

  /** Takes the lease. @throws when the database cannot be reached. */
  async start(): Promise<void> {
    await this.#lease.start();
    this.#closer.start();
    this.#sweeper.start();
  }

  /** Closes the sessions still open for this reason, renewing meanwhile, then gives up the lease; what it cannot close, others do. */
  async stop(reason: Reason): Promise<void> {
    await Promise.all([this.#sweeper.stop(), this.#closer.stop()]);
    try {
      await this.#leave(reason);
    } catch (error) {
      this.#options.onError(error, 'closing the sessions of this process');
    } finally {
      await this.#lease.stop();
    }
  }

  /** Resolves once it is known whether this process was taken for dead while it stood still; then its sockets are closed. */
  async assured(): Promise<void> {
    await this.#lease.assured();
  }

  /**
   * Records a socket that is authenticated and about to be served.
   * @throws ProblemError `service_unavailable` when this process does not count as alive now.
   */
  async open(session: SocketSession<About>): Promise<void> {
    const mine: Mine<Reason> = { isOpening: true };
    this.#mine.set(session.sessionId, mine);
    try {
      await this.#openings.add({ ...session, mine, traceparent: currentTraceparent() });
    } catch (error) {
      // Before the commit it certainly is not there; after it, nobody knows, and the server may still be at it.
      if (!mine.mayBeThere) this.#mine.delete(session.sessionId);
      else setTimeout(() => this.#opened(session.sessionId, mine, this.#options.lostReason), this.#options.leaseMs / 2).unref();
      throw error;
    }
    this.#opened(session.sessionId, mine);
  }

  /** Records that something about an open session is different now. A session that is gone is left alone. */
  async change(session: SocketSession<About>): Promise<void> {
    await this.#changes.add({ ...session, traceparent: currentTraceparent() });
  }

  /** Has it recorded that a socket is gone, soon after its opening at the earliest. One that was never recorded is left alone. */
  close(sessionId: SessionId, reason: Reason): void {
    this.#lease.renewIfDue();
    const mine = this.#mine.get(sessionId);
    if (!mine) return;
    if (mine.isOpening) {
      mine.closed ??= reason;
      return;
    }
    this.#mine.delete(sessionId);
    this.#closer.add(sessionId, reason);
  }

  async #openTogether(group: readonly Opening<About, Reason>[]): Promise<Outcome<void>[]> {
    let isCommitting = false;
    try {
      const onCommitting = () => {
        isCommitting = true;
        for (const { mine } of group) mine.mayBeThere = true;
      };
      const woken = await this.#options.database.transaction((tx) => this.#rows.open(tx, this.#lease.processId, group, onCommitting));
      const refused = { failed: new ProblemError('service_unavailable', 'Sockets cannot be taken now') };
      if (!woken) return group.map(() => refused);
      this.#options.relay.committed(woken);
      return group.map(() => ({ done: undefined }));
    } catch (error) {
      if (!isCommitting) throw error;
      return group.map(() => ({ failed: error }));
    }
  }

  async #changeTogether(group: readonly TracedSession<About>[]): Promise<Outcome<void>[]> {
    this.#options.relay.committed(await this.#options.database.transaction((tx) => this.#rows.change(tx, group)));
    return group.map(() => ({ done: undefined }));
  }

  #opened(sessionId: SessionId, mine: Mine<Reason>, otherwise?: Reason): void {
    mine.isOpening = false;
    const reason = mine.closed ?? otherwise;
    if (reason !== undefined) this.close(sessionId, reason);
  }

  async #leave(reason: Reason): Promise<void> {
    const until = performance.now() + leaveMs;
    const { processId } = this.#lease;
    await this.#sweeper.closeAll(processId, reason, () => performance.now() < until);
    // A process that is forgotten would enrol again with its next renewal.
    await this.#lease.stop();
    while (performance.now() < until && !(await this.#sweeper.forget(processId))) {
      await this.#sweeper.closeAll(processId, reason, () => performance.now() < until);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
