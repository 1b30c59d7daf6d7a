import { randomUUID } from 'node:crypto';
import { type AppId, enveloped, type SessionId, type Topic } from '@communication-center/contracts';
import { type OutboxEntry, type Sql, type WrittenRow, writeOutbox } from '@communication-center/event-log';
import { currentTraceparent } from '../trace.js';

export interface SocketSession<About> {
  sessionId: SessionId;
  appId: AppId;
  about: About;
}

/** What an event tells of a session. */
export type Told<Reason> = 'opened' | 'changed' | { closed: Reason };

export interface SessionEvents<About, Reason extends string> {
  topic: Topic;
  /** Makes the type and data of the event that tells of a session: that it opened, changed, or closed for a reason. */
  tell: (session: SocketSession<About>, what: Told<Reason>) => { type: string; source: string; data: unknown };
}

interface SessionRow<About> {
  session_id: SessionId;
  app_id: AppId;
  about: About;
  sequence: number;
  at: Date;
}

/**
 * The rows of sessions, each change of which is told by an event of the same transaction. Whatever is done to many of them is
 * done in one statement, and told in one.
 */
export class SessionRows<About, Reason extends string> {
  constructor(private readonly events: SessionEvents<About, Reason>) {}

  /** @returns what to tell the relay of; undefined when the process does not count as alive, and nothing was written. */
  async open(tx: Sql, processId: string, { sessionId, appId, about }: SocketSession<About>): Promise<WrittenRow[] | undefined> {
    const { rows } = await tx.query<SessionRow<About>>(
      `INSERT INTO sessions (session_id, process_id, app_id, about)
       SELECT $1::uuid, process_id, $3::text, $4::jsonb FROM processes WHERE process_id = $2 AND expires_at > now() FOR KEY SHARE
       RETURNING session_id, app_id, about, sequence, clock_timestamp() AS at`,
      [sessionId, processId, appId, JSON.stringify(about)],
    );
    return rows[0] && this.#publish(tx, rows, () => 'opened');
  }

  /** @returns what to tell the relay of. A session that is gone is left alone. */
  async change(tx: Sql, sessionId: SessionId, about: About): Promise<WrittenRow[]> {
    const { rows } = await tx.query<SessionRow<About>>(
      `UPDATE sessions SET about = $2, sequence = sequence + 1 WHERE session_id = $1
       RETURNING session_id, app_id, about, sequence, clock_timestamp() AS at`,
      [sessionId, JSON.stringify(about)],
    );
    return this.#publish(tx, rows, () => 'changed');
  }

  /** @returns what to tell the relay of. Those that are gone are left alone. */
  async close(tx: Sql, closing: ReadonlyMap<SessionId, Reason>): Promise<WrittenRow[]> {
    const { rows } = await tx.query<SessionRow<About>>(
      `DELETE FROM sessions WHERE session_id = ANY($1::uuid[])
       RETURNING session_id, app_id, about, sequence + 1 AS sequence, clock_timestamp() AS at`,
      [[...closing.keys()]],
    );
    return this.#publish(tx, rows, ({ session_id }) => ({ closed: closing.get(session_id) as Reason }));
  }

  /**
   * Closes some sessions of a process, whichever nobody else is at.
   * @returns how many, and what to tell the relay of.
   */
  async closeSome(tx: Sql, processId: string, atMost: number, reason: Reason): Promise<{ closed: number; woken: WrittenRow[] }> {
    const { rows } = await tx.query<SessionRow<About>>(
      `DELETE FROM sessions
       WHERE session_id = ANY(ARRAY(SELECT session_id FROM sessions WHERE process_id = $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
       RETURNING session_id, app_id, about, sequence + 1 AS sequence, clock_timestamp() AS at`,
      [processId, atMost],
    );
    return { closed: rows.length, woken: await this.#publish(tx, rows, () => ({ closed: reason })) };
  }

  async #publish(tx: Sql, rows: readonly SessionRow<About>[], whatOf: (row: SessionRow<About>) => Told<Reason>): Promise<WrittenRow[]> {
    return writeOutbox(
      tx,
      rows.flatMap((row) => this.#entriesOf(row, whatOf(row))),
    );
  }

  #entriesOf(row: SessionRow<About>, what: Told<Reason>): OutboxEntry[] {
    const { topic, tell } = this.events;
    const key = row.session_id;
    const { source, ...told } = tell({ sessionId: key, appId: row.app_id, about: row.about }, what);
    const origin = { id: randomUUID(), source, at: row.at, subject: key, appId: row.app_id, sequence: row.sequence };
    const event = enveloped(told, { ...origin, traceparent: currentTraceparent() });
    // A closed session leaves nothing behind in a compacted topic.
    return typeof what === 'string'
      ? [{ topic, key, event }]
      : [
          { topic, key, event },
          { topic, key, event: null },
        ];
  }
}
