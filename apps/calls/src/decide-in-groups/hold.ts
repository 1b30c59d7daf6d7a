import type { AppId, CallId, CallState, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { Line } from '../domain/commands.js';
import { InTurn } from '../domain/in-turn.js';
import { type KeptState, statesKeptIn } from '../event-store/kept-states.js';
import { CommandMemory, type KeptKey, type KeptReply } from './command-memory.js';

/** A user of an app. */
export interface User {
  appId: AppId;
  userAlias: UserAlias;
}

/** A call of an app. */
interface Call {
  appId: AppId;
  callId: CallId;
}

/** What commands need to hold, as far as they name it. */
export interface Wanted {
  /** Calls, with the lines of everyone in them. */
  calls: readonly Call[];
  /** Users whose lines are needed besides. */
  users?: readonly User[];
  /** Users who dial: a call that rings one may be the one that is dialed (glare). */
  dialing?: readonly User[];
  /** Users who would leave the call they are in. */
  leaving?: readonly User[];
  /** Commands that may have been carried out before. */
  keys?: readonly KeptKey[];
}

/**
 * Whether what somebody else holds is waited for, or left to him: many are not to wait for one. Who waits locks lines in one
 * order, then calls in one order, so that no two wait for each other.
 */
export type How = 'waiting' | 'skipping';

/** Calls and lines that this transaction holds, by app. */
export interface Held {
  /** When everything is decided: by the database's clock, once everything was held. */
  now: Date;
  /** What was replied to commands before. */
  memory: CommandMemory;
  in(appId: AppId): InTurn<string | undefined>;
  apps(): [AppId, InTurn<string | undefined>][];
  /** Whether an app has a call, be it held or not. */
  exists(appId: AppId, callId: CallId): boolean;
  /** Whether it is known how many calls more an app may have; not where somebody else is about to make some. */
  knowsRoomOf(appId: AppId): boolean;
  /** Those of the wanted users that nobody knows here, and those who never had a call, and so no line to lock. */
  unknown: readonly User[];
  unlined: readonly User[];
}

interface Answer {
  now: number;
  known: Record<CallId, AppId> | null;
  lines: (User & Line)[] | null;
  calls: (KeptState & { app_id: AppId })[] | null;
  replies: KeptReply[] | null;
  unknown: User[] | null;
  unlined: User[] | null;
  rooms: Record<AppId, number> | null;
}

/**
 * Locks the lines that commands concern, then their calls, and reads what they are decided on, in one statement: nothing is read
 * before what it may hang on is locked. What is locked is held until the transaction ends.
 */
export async function hold(tx: Sql, { calls: named, users = [], dialing = [], leaving = [], keys = [] }: Wanted, how: How): Promise<Held> {
  const { rows } = await tx.query<{ held: Answer }>(
    'SELECT hold_for_decisions($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS held',
    [
      ...columnsOf(eachOnce(users)),
      named.map(({ appId }) => appId),
      named.map(({ callId }) => callId),
      ...columnsOf(dialing),
      ...columnsOf(leaving),
      keys.map(({ appId }) => appId),
      keys.map(({ actor }) => actor),
      keys.map(({ commandId }) => commandId),
      how === 'skipping',
    ],
  );
  const { now: nowMs, known, lines, calls, replies, unknown, unlined, rooms } = rows[0]?.held ?? nothingHeld();
  const now = new Date(nowMs);
  const states = await statesKeptIn(tx, calls ?? []);
  const held = inTurns({ now, lines: lines ?? [], calls: calls ?? [], states, rooms: rooms ?? {} });
  return {
    now,
    memory: new CommandMemory(replies ?? []),
    in: (appId) => held.get(appId) ?? new InTurn([], new Map(), now),
    apps: () => [...held],
    knowsRoomOf: (appId) => rooms?.[appId] !== undefined,
    exists: (appId, callId) => known?.[callId] === appId,
    unknown: unknown ?? [],
    unlined: unlined ?? [],
  };
}

/** Makes the lines of users who have none. In a transaction of its own: one that is not committed would be waited for. */
export async function makeLines(database: Sql, users: readonly User[]): Promise<void> {
  await database.query(
    `INSERT INTO lines (app_id, user_alias) SELECT app_id, user_alias FROM unnest($1::text[], $2::text[]) AS missing(app_id, user_alias)
     ORDER BY app_id COLLATE "C", user_alias COLLATE "C" ON CONFLICT DO NOTHING`,
    columnsOf(users),
  );
}

function nothingHeld(): never {
  throw new Error('hold_for_decisions answered nothing');
}

interface Read {
  now: Date;
  lines: readonly (User & Line)[];
  calls: readonly { call_id: CallId; app_id: AppId }[];
  states: readonly CallState[];
  rooms: Readonly<Record<AppId, number>>;
}

function inTurns({ now, lines, calls, states, rooms }: Read): Map<AppId, InTurn<string | undefined>> {
  const appOfCall = new Map(calls.map(({ call_id, app_id }) => [call_id, app_id]));
  const linesOf = Map.groupBy(lines, ({ appId }) => appId);
  const statesOf = Map.groupBy(states, ({ callId }) => appOfCall.get(callId));
  const apps = new Set([...linesOf.keys(), ...appOfCall.values()]);
  const own = (appId: AppId) =>
    new Map(
      (linesOf.get(appId) ?? []).map(({ userAlias, activeCall, rungBy, doNotDisturb }) => [
        userAlias,
        { activeCall, rungBy, doNotDisturb },
      ]),
    );
  const inTurnOf = (appId: AppId) => new InTurn<string | undefined>(statesOf.get(appId) ?? [], own(appId), now, rooms[appId]);
  return new Map([...apps].map((appId) => [appId, inTurnOf(appId)]));
}

function eachOnce(users: readonly User[]): User[] {
  return [...new Map(users.map((user) => [`${user.appId} ${user.userAlias}`, user])).values()];
}

function columnsOf(users: readonly User[]): [AppId[], UserAlias[]] {
  return [users.map(({ appId }) => appId), users.map(({ userAlias }) => userAlias)];
}
