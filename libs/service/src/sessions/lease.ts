import { randomUUID } from 'node:crypto';
import type { Database, OwnConnection } from '@communication-center/event-log';

export interface LeaseOptions {
  database: Database;
  /** How long this process counts as alive after it last said so. */
  leaseMs: number;
  /** Called when others took this process for dead and closed, or are closing, its sessions; it goes on under another id. */
  onExpelled: () => void;
  onError: (error: unknown, doing: string) => void;
}

/**
 * That this process is alive: a row that is renewed five times within the time it is good for. The renewal has a timer and a
 * connection of its own, so that neither a full pool nor a crowd of closing sessions is in its way; what it waits for is
 * bounded, and a connection that does not answer is replaced.
 *
 * A process that others expelled has `-infinity` as its time, until its sessions are closed and its row is gone: it never
 * comes back under the same id.
 */
export class Lease {
  readonly #options: LeaseOptions;
  #processId = randomUUID() as string;
  #isEnrolled = false;
  #connection: OwnConnection | undefined;
  #stopping = false;
  #running: Promise<void> | undefined;
  #endPause: (() => void) | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** When the last renewal that succeeded began; of {@link performance.now}, as all times here. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  /** When the last attempt that ended, in whatever way, began. */
  #triedAt = Number.NEGATIVE_INFINITY;
  /** Since when each renewal came soon after the one before. */
  #steadySince = Number.POSITIVE_INFINITY;
  #waiting: (() => void)[] = [];

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Names this process; another one after it was expelled. */
  get processId(): string {
    return this.#processId;
  }

  /**
   * Whether this process may take others for dead. One that renewed late itself cannot tell whether they are dead or had the
   * same trouble: it waits one lease, in which those that live renew theirs.
   */
  get mayJudge(): boolean {
    const now = performance.now();
    const { leaseMs } = this.#options;
    return now - this.#steadySince >= leaseMs && now - this.#renewedAt <= leaseMs / 2;
  }

  /** Takes the lease. @throws when the database cannot be reached. */
  async start(): Promise<void> {
    await this.#renew();
    this.#running = this.#keep();
  }

  /** Stops renewing; the lease is good for a while longer. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#endPause?.();
    await this.#running;
    this.#drop();
  }

  /**
   * Resolves at once while this process has lately asked whether it still counts as alive, and after the next time that it
   * asks where it did not: it stood still, and may have been expelled. A database that is away does not hold anybody up.
   */
  async assured(): Promise<void> {
    while (performance.now() - this.#triedAt > this.#options.leaseMs && !this.#stopping) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /**
   * Renews where it is time to. Called by what comes in crowds: as long as their sockets keep the event loop busy, no timer fires,
   * but what is written meanwhile goes out.
   */
  renewIfDue(): void {
    if (performance.now() - this.#askedAt > this.#usualMs) this.#endPause?.();
  }

  get #usualMs(): number {
    return this.#options.leaseMs / 5;
  }

  async #keep(): Promise<void> {
    const usualMs = this.#usualMs;
    let failures = 0;
    while (!this.#stopping) {
      await this.#pause(failures === 0 ? usualMs : Math.min(usualMs, (usualMs / 16) * 2 ** failures) * (0.5 + Math.random() / 2));
      if (this.#stopping) return;
      try {
        await this.#renew();
        failures = 0;
      } catch (error) {
        failures += 1;
        this.#options.onError(error, 'renewing the lease of this process');
      }
    }
  }

  async #renew(): Promise<void> {
    const began = performance.now();
    this.#askedAt = began;
    try {
      this.#connection ??= await this.#connect();
      const connection = this.#connection;
      const isAlive = this.#isEnrolled && (await this.#isRenewed(connection));
      if (!isAlive) await this.#enrol(connection);
      if (began - this.#renewedAt > this.#options.leaseMs / 2) this.#steadySince = performance.now();
      this.#renewedAt = began;
    } catch (error) {
      this.#drop();
      throw error;
    } finally {
      this.#triedAt = began;
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  async #isRenewed(connection: OwnConnection): Promise<boolean> {
    const { rowCount } = await this.#within(
      connection.query(
        `UPDATE processes SET expires_at = now() + make_interval(secs => $2) WHERE process_id = $1 AND expires_at > '-infinity'`,
        [this.#processId, this.#options.leaseMs / 1000],
      ),
    );
    if (rowCount === 1) return true;
    this.#isEnrolled = false;
    this.#options.onExpelled();
    return false;
  }

  async #enrol(connection: OwnConnection): Promise<void> {
    const processId = randomUUID();
    await this.#within(
      connection.query('INSERT INTO processes (process_id, expires_at) VALUES ($1, now() + make_interval(secs => $2))', [
        processId,
        this.#options.leaseMs / 1000,
      ]),
    );
    this.#processId = processId;
    this.#isEnrolled = true;
  }

  async #connect(): Promise<OwnConnection> {
    const connecting = this.#options.database.connect();
    let connection: OwnConnection;
    try {
      connection = await this.#within(connecting);
    } catch (error) {
      // One that comes after all is not needed any more.
      connecting.then((late) => late.end()).catch(() => undefined);
      throw error;
    }
    const lost = () => {
      if (this.#connection === connection) this.#connection = undefined;
    };
    connection.on('error', lost);
    connection.on('end', lost);
    return connection;
  }

  #drop(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    void connection?.end().catch(() => undefined);
  }

  async #within<T>(asked: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      // An event loop that was busy meanwhile may have the answer, and is yet to read it: one more round.
      const giveUp = () => setImmediate(reject, new Error('PostgreSQL does not answer in time'));
      timer = setTimeout(giveUp, this.#options.leaseMs / 4);
    });
    try {
      return await Promise.race([asked, tooLate]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endPause = undefined;
  }
}
