import { type AppId, type CallEvent, type CallState, foldVersion } from '@communication-center/contracts';
import { forOutbox, type OutboxPlace, type Sql, type WrittenRow } from '@communication-center/event-log';
import { type Consequences, consequencesOf } from '../domain/consequences.js';
import type { CallChange, InTurn, MovedLine } from '../domain/in-turn.js';
import { newEvent } from '../event-store/events.js';
import type { Held } from './hold.js';

/** What the outbox must be told of after the commit. */
export type Published = readonly WrittenRow[];

interface Change extends CallChange<string | undefined> {
  appId: AppId;
  consequences: Consequences;
}

/**
 * Writes all that commands have made of what is held: events, calls, lines, rings, deadlines, replies, outbox; in one statement,
 * and in none where nothing came of them.
 * @param ask runs a statement of the transaction; its last one where nothing follows.
 * @param graceMs how long a device that came into a call without a socket has to get one.
 * @returns what the relay is told of once the transaction has committed.
 * @throws a unique violation when the same command was carried out meanwhile.
 */
export async function save(ask: Sql['query'], held: Held, graceMs: number): Promise<Published> {
  const changes = held.apps().flatMap(([appId, inTurn]) => changesIn(appId, inTurn));
  const moved = held.apps().flatMap(([appId, inTurn]) => inTurn.movedLines.map((line) => ({ appId, ...line })));
  const events = changes.flatMap((change) => eventsOf(change, held.now));
  const { rows: replies } = held.memory;
  if (events.length === 0 && replies.length === 0) return [];
  const { columns: outbox, written } = forOutbox(events.map((event) => ({ topic: 'calls.events', key: event.callid, event })));
  const graceUntil = new Date(held.now.getTime() + graceMs).toISOString();
  const { rows } = await ask<OutboxPlace>(statement, [...parametersOf({ changes, events, replies, moved, graceUntil }), ...outbox]);
  return written(rows);
}

type Moved = MovedLine & { appId: AppId };

function changesIn(appId: AppId, inTurn: InTurn<string | undefined>): Change[] {
  return inTurn.changes.map((change) => ({ ...change, appId, consequences: consequencesOf(change.before, change.after) }));
}

function eventsOf({ appId, callId, before, facts }: Change, now: Date): CallEvent[] {
  const first = (before?.sequence ?? 0) + 1;
  return facts.map(({ fact, cause }, index) => newEvent(fact, { appId, callId, sequence: first + index, now, traceparent: cause }));
}

interface Written {
  changes: readonly Change[];
  events: readonly CallEvent[];
  replies: readonly object[];
  moved: readonly Moved[];
  /** By when a device that came without a socket must have one. */
  graceUntil: string;
}

function parametersOf({ changes, events, replies, moved, graceUntil }: Written): unknown[] {
  const rings = (which: 'startRinging' | 'stopRinging') =>
    changes.flatMap(({ appId, callId, consequences }) => consequences[which].map((userAlias) => [appId, userAlias, callId]));
  const due = changes.flatMap(({ appId, callId, consequences }) =>
    consequences.setDeadlines.map(({ kind, userAlias, dueAt }) => [callId, appId, kind, userAlias, dueAt]),
  );
  return [
    JSON.stringify(events.map(eventRow)),
    JSON.stringify(changes.map(callRow)),
    foldVersion,
    JSON.stringify(replies),
    ...columns(
      4,
      moved.map(({ appId, userAlias, activeCall, deviceId }) => [appId, userAlias, activeCall, deviceId]),
    ),
    graceUntil,
    ...columns(3, rings('stopRinging')),
    ...columns(3, rings('startRinging')),
    ...columns(3, cleared(changes, moved)),
    ...columns(5, due),
  ];
}

/** @returns the deadlines that are over. What is set anew is written after they are cleared. */
function cleared(changes: readonly Change[], moved: readonly Moved[]): unknown[][] {
  const isMoved = new Set(moved.map(({ appId, userAlias }) => `${appId} ${userAlias}`));
  return changes.flatMap(({ appId, callId, after, consequences }) => [
    ...consequences.clearDeadlines.map(({ kind, userAlias }) => [callId, kind, userAlias]),
    // Whoever came or went with a device is watched anew.
    ...after.participants.flatMap(({ userAlias }) => (isMoved.has(`${appId} ${userAlias}`) ? [[callId, 'connection', userAlias]] : [])),
  ]);
}

const parameters = Array.from({ length: 27 }, (_, index) => `$${index + 1}`).join(', ');
const statement = `SELECT * FROM save_decisions(${parameters})`;

function eventRow({ callid, sequence, id, appid, type, time, dataversion, traceparent, data }: CallEvent): object {
  return {
    call_id: callid,
    version: sequence,
    event_id: id,
    app_id: appid,
    type,
    occurred_at: time,
    dataversion,
    traceparent,
    data,
  };
}

function callRow({ appId, callId, after }: Change): object {
  return {
    call_id: callId,
    app_id: appId,
    version: after.sequence,
    status: after.status,
    participants: after.participants.map(({ userAlias }) => userAlias),
    ended_at: endedAt(after),
    state: after,
  };
}

function endedAt(call: CallState): string | null {
  return call.status === 'ended' ? call.endedAt : null;
}

/** @returns rows of so many values, turned into so many columns. */
function columns(count: number, rows: readonly (readonly unknown[])[]): unknown[][] {
  return Array.from({ length: count }, (_, column) => rows.map((row) => row[column]));
}
