import { randomUUID } from 'node:crypto';
import type { AnyEvent, AppId, SessionId, Topic } from '@communication-center/contracts';
import { type Database, type OutboxRelay, type Sql, writeOutbox } from '@communication-center/event-log';
import { DueRows } from './due-rows.js';

/** The tables a service with sockets needs: run by its first migration. */
export const socketSessionTables = [
  'CREATE TABLE processes (process_id uuid PRIMARY KEY, expires_at timestamptz NOT NULL)',
  `CREATE TABLE sessions (
     session_id uuid PRIMARY KEY,
     process_id uuid NOT NULL REFERENCES processes,
     app_id text NOT NULL,
     about jsonb NOT NULL,
     opened_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  'CREATE INDEX sessions_by_process ON sessions (process_id)',
];

/** For services whose tables are older: sessions count their changes. */
export const socketSessionChanges = 'ALTER TABLE sessions ADD COLUMN sequence int NOT NULL DEFAULT 1';

export interface SocketSession<About> {
  sessionId: SessionId;
  appId: AppId;
  about: About;
}

export interface SocketSessionsOptions<About, Reason extends string> {
  database: Database;
  relay: OutboxRelay;
  topic: Topic;
  /** How long this process counts as alive after it last said so. */
  leaseMs: number;
  /** The reason given for sessions of a process that stopped renewing. */
  lostReason: Reason;
  /** Makes the type and data of the event that tells of a session: that it opened, changed, or closed for a reason. */
  tell: (session: SocketSession<About>, what: 'opened' | 'changed' | { closed: Reason }) => { type: string; source: string; data: unknown };
  /** Called when others took this process for dead: every socket must be closed. */
  onExpelled: () => void;
  onError: (error: unknown, doing: string) => void;
}

/**
 * The live sockets of this process, each a row that ends with its socket or, when the process dies, with the process's
 * lease: any other process, or the next one, then closes what it left. So no session outlives its socket for long.
 */
export class SocketSessions<About, Reason extends string> {
  readonly #options: SocketSessionsOptions<About, Reason>;
  readonly #closing = new Map<SessionId, Reason>();
  readonly #renewing: DueRows;
  #processId = randomUUID();
  #sweepFrom = Number.POSITIVE_INFINITY;
  #renewedAt = 0;

  constructor(options: SocketSessionsOptions<About, Reason>) {
    this.#options = options;
    this.#renewing = new DueRows({
      name: 'renewing the lease of this process',
      work: () => this.#renewAndSweep(),
      onError: options.onError,
      maxPauseMs: options.leaseMs / 4,
    });
  }

  /** Takes the lease. @throws when the database cannot be reached. */
  async start(): Promise<void> {
    await this.#enrol();
    this.#renewing.start();
  }

  /** Stops renewing; sessions still open are closed for this reason. */
  async stop(reason: Reason): Promise<void> {
    await this.#renewing.stop();
    await this.#closeProcess(this.#processId, reason, () => true);
  }

  /** Records a socket that is authenticated and about to be served. */
  async open(session: SocketSession<About>): Promise<void> {
    const shards = await this.#options.database.transaction(async (tx) => {
      await tx.query('INSERT INTO sessions (session_id, process_id, app_id, about) VALUES ($1, $2, $3, $4)', [
        session.sessionId,
        this.#processId,
        session.appId,
        JSON.stringify(session.about),
      ]);
      return this.#publish(tx, { ...session, sequence: 1 }, 'opened');
    });
    this.#options.relay.committed(shards);
  }

  /** Records that something about an open session is different now. A session that is gone is left alone. */
  async change(sessionId: SessionId, about: About): Promise<void> {
    const shards = await this.#options.database.transaction(async (tx) => {
      const { rows } = await tx.query<SessionRow<About>>(
        'UPDATE sessions SET about = $2, sequence = sequence + 1 WHERE session_id = $1 RETURNING session_id, app_id, about, sequence',
        [sessionId, JSON.stringify(about)],
      );
      return rows[0] ? this.#publish(tx, toSession(rows[0]), 'changed') : [];
    });
    this.#options.relay.committed(shards);
  }

  /** Records that a socket is gone; tried again until the database takes it. */
  async close(sessionId: SessionId, reason: Reason): Promise<void> {
    this.#closing.set(sessionId, reason);
    await this.#closePending().catch((error: unknown) => this.#options.onError(error, 'closing a session'));
  }

  async #closePending(): Promise<void> {
    for (const [sessionId, reason] of this.#closing) {
      const shards = await this.#options.database.transaction(async (tx) => {
        const { rows } = await tx.query<SessionRow<About>>(
          'DELETE FROM sessions WHERE session_id = $1 RETURNING session_id, app_id, about, sequence + 1 AS sequence',
          [sessionId],
        );
        return rows[0] ? this.#publish(tx, toSession(rows[0]), { closed: reason }) : [];
      });
      this.#closing.delete(sessionId);
      this.#options.relay.committed(shards);
    }
  }

  async #enrol(): Promise<void> {
    this.#processId = randomUUID();
    await this.#options.database.query(
      'INSERT INTO processes (process_id, expires_at) VALUES ($1, clock_timestamp() + make_interval(secs => $2))',
      [this.#processId, this.#options.leaseMs / 1000],
    );
    this.#renewed();
  }

  async #renewAndSweep(): Promise<null> {
    const { leaseMs, database, lostReason } = this.#options;
    const { rowCount } = await database.query(
      'UPDATE processes SET expires_at = clock_timestamp() + make_interval(secs => $2) WHERE process_id = $1',
      [this.#processId, leaseMs / 1000],
    );
    if (rowCount === 0) {
      this.#options.onExpelled();
      await this.#enrol();
    }
    this.#renewed();
    await this.#closePending();
    if (Date.now() < this.#sweepFrom) return null;
    const { rows } = await database.query<{ process_id: string }>('SELECT process_id FROM processes WHERE expires_at < clock_timestamp()');
    for (const { process_id } of rows) await this.#closeProcess(process_id, lostReason, (expired) => expired);
    return null;
  }

  /** After an outage of its own a process waits one lease, so that the others can renew theirs before it judges them. */
  #renewed(): void {
    const now = Date.now();
    if (now - this.#renewedAt > this.#options.leaseMs) this.#sweepFrom = now + this.#options.leaseMs;
    this.#renewedAt = now;
  }

  async #closeProcess(processId: string, reason: Reason, isMeant: (expired: boolean) => boolean): Promise<void> {
    const shards = await this.#options.database.transaction(async (tx) => {
      const process = await tx.query<{ expired: boolean }>(
        'SELECT expires_at < clock_timestamp() AS expired FROM processes WHERE process_id = $1 FOR UPDATE SKIP LOCKED',
        [processId],
      );
      if (!process.rows[0] || !isMeant(process.rows[0].expired)) return [];
      const { rows } = await tx.query<SessionRow<About>>(
        'DELETE FROM sessions WHERE process_id = $1 RETURNING session_id, app_id, about, sequence + 1 AS sequence',
        [processId],
      );
      const woken: number[] = [];
      for (const row of rows) woken.push(...(await this.#publish(tx, toSession(row), { closed: reason })));
      await tx.query('DELETE FROM processes WHERE process_id = $1', [processId]);
      return woken;
    });
    this.#options.relay.committed(shards);
  }

  async #publish(
    tx: Sql,
    session: SocketSession<About> & { sequence: number },
    what: 'opened' | 'changed' | { closed: Reason },
  ): Promise<number[]> {
    const { topic, tell } = this.#options;
    const key = session.sessionId;
    const { rows } = await tx.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    const event: AnyEvent = {
      ...tell(session, what),
      specversion: '1.0',
      id: randomUUID(),
      time: (rows[0]?.now ?? new Date()).toISOString(),
      subject: key,
      appid: session.appId,
      sequence: session.sequence,
      dataversion: 1,
    };
    // A closed session leaves nothing behind in a compacted topic.
    const erased = typeof what === 'string' ? [] : [{ topic, key, event: null }];
    return writeOutbox(tx, [{ topic, key, event }, ...erased]);
  }
}

interface SessionRow<About> {
  session_id: SessionId;
  app_id: AppId;
  about: About;
  sequence: number;
}

function toSession<About>(row: SessionRow<About>): SocketSession<About> & { sequence: number } {
  return { sessionId: row.session_id, appId: row.app_id, about: row.about, sequence: row.sequence };
}
