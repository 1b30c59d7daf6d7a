import { randomUUID } from 'node:crypto';
import { type AppId, enveloped, type SessionId, type Topic } from '@communication-center/contracts';
import { type OutboxEntry, type Sql, type Transaction, type WrittenRow, writeOutbox } from '@communication-center/event-log';
import { currentTraceparent } from '../trace.js';

export interface SocketSession<About> {
  sessionId: SessionId;
  appId: AppId;
  about: About;
}

/** A session to open or to change, and the trace in which that was asked. */
export interface TracedSession<About> extends SocketSession<About> {
  traceparent?: string | undefined;
}

type Traces = ReadonlyMap<SessionId, string | undefined>;

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

  /**
   * Opens sessions of a process, in its name: all, or none when it does not count as alive. The commit is asked for with the last statement.
   * @param onCommitting is called before that: from then on they may be there, whatever becomes of the answer.
   * @returns what to tell the relay of; undefined when nothing was written.
   */
  async open(
    tx: Pick<Transaction, 'query' | 'last'>,
    processId: string,
    sessions: readonly TracedSession<About>[],
    onCommitting: () => void,
  ): Promise<WrittenRow[] | undefined> {
    const { rows } = await tx.query<SessionRow<About>>(
      `INSERT INTO sessions (session_id, process_id, app_id, about)
       SELECT new.session_id, process_id, new.app_id, new.about::jsonb
       FROM processes, unnest($2::uuid[], $3::text[], $4::text[]) AS new (session_id, app_id, about)
       WHERE process_id = $1 AND expires_at > now() FOR KEY SHARE OF processes
       RETURNING session_id, app_id, about, sequence, clock_timestamp() AS at`,
      [processId, ...columnsOf(sessions)],
    );
    if (rows.length === 0) return undefined;
    onCommitting();
    return this.#publish({ query: tx.last }, rows, () => 'opened', tracesOf(sessions));
  }

  /** @returns what to tell the relay of. Sessions that are gone are left alone; of one that changes twice, the last is what it is. */
  async change(tx: Sql, sessions: readonly TracedSession<About>[]): Promise<WrittenRow[]> {
    const last = [...new Map(sessions.map((session) => [session.sessionId, session])).values()];
    const [sessionIds, , abouts] = columnsOf(last);
    const { rows } = await tx.query<SessionRow<About>>(
      `UPDATE sessions SET about = new.about::jsonb, sequence = sequence + 1
       FROM unnest($1::uuid[], $2::text[]) AS new (session_id, about)
       WHERE sessions.session_id = new.session_id AND sessions.session_id = ANY(${lockedInOrder('$1')})
       RETURNING sessions.session_id, sessions.app_id, sessions.about, sequence, clock_timestamp() AS at`,
      [sessionIds, abouts],
    );
    return this.#publish(tx, rows, () => 'changed', tracesOf(last));
  }

  /** @returns what to tell the relay of. Those that are gone are left alone. */
  async close(tx: Sql, closing: ReadonlyMap<SessionId, Reason>): Promise<WrittenRow[]> {
    const { rows } = await tx.query<SessionRow<About>>(
      `DELETE FROM sessions WHERE session_id = ANY(${lockedInOrder('$1')})
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

  /** @param traces in which it came to that, where each session has its own. */
  async #publish(
    tx: Sql,
    rows: readonly SessionRow<About>[],
    whatOf: (row: SessionRow<About>) => Told<Reason>,
    traces: Traces = new Map(),
  ): Promise<WrittenRow[]> {
    return writeOutbox(
      tx,
      rows.flatMap((row) => this.#entriesOf(row, whatOf(row), traces.get(row.session_id) ?? currentTraceparent())),
    );
  }

  #entriesOf(row: SessionRow<About>, what: Told<Reason>, traceparent: string | undefined): OutboxEntry[] {
    const { topic, tell } = this.events;
    const key = row.session_id;
    const { source, ...told } = tell({ sessionId: key, appId: row.app_id, about: row.about }, what);
    const origin = { id: randomUUID(), source, at: row.at, subject: key, appId: row.app_id, sequence: row.sequence };
    const event = enveloped(told, { ...origin, traceparent });
    // A closed session leaves nothing behind in a compacted topic.
    return typeof what === 'string'
      ? [{ topic, key, event }]
      : [
          { topic, key, event },
          { topic, key, event: null },
        ];
  }
}

/** In SQL: those sessions of a list that are there, locked in one order, so that no two groups wait for each other. */
function lockedInOrder(list: string): string {
  return `ARRAY(SELECT session_id FROM sessions WHERE session_id = ANY(${list}::uuid[]) ORDER BY session_id FOR UPDATE)`;
}

function columnsOf<About>(sessions: readonly SocketSession<About>[]): [sessionIds: string[], appIds: string[], abouts: string[]] {
  return [
    sessions.map(({ sessionId }) => sessionId),
    sessions.map(({ appId }) => appId),
    sessions.map(({ about }) => JSON.stringify(about)),
  ];
}

function tracesOf<About>(sessions: readonly TracedSession<About>[]): Traces {
  return new Map(sessions.map(({ sessionId, traceparent }) => [sessionId, traceparent]));
}
