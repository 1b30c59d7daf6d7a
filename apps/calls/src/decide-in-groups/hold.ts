import type { AppId, CallId, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { Line } from '../domain/commands.js';
import { InTurn } from '../domain/in-turn.js';
import { type KeptState, keptState, statesKeptIn } from '../event-store/kept-states.js';

/** What one command concerns, as far as that is known before anything is locked. */
export interface Concern {
  appId: AppId;
  callIds: readonly CallId[];
  /** Everyone in these calls, and whom the command names. */
  users: readonly UserAlias[];
  /** Who dials: a call that rings him may be the one he dials (glare). */
  dialing?: UserAlias | undefined;
}

/**
 * Whether what somebody else holds is waited for, or left to him: many are not to wait for one. Who waits locks lines in one
 * order, then calls in one order, so that no two wait for each other.
 */
export type How = 'waiting' | 'skipping';

/** Users who never had a call have no line to lock: make it, then try again. */
export class LinesMissing extends Error {
  constructor(readonly users: readonly { appId: AppId; userAlias: UserAlias }[]) {
    super('Some lines are not there yet');
  }
}

/** Calls and lines that this transaction holds, by app. */
export interface Held {
  /** When everything is decided: by the database's clock, once everything was held. */
  now: Date;
  in(appId: AppId): InTurn<string | undefined>;
  apps(): [AppId, InTurn<string | undefined>][];
}

type Key = { appId: AppId; userAlias: UserAlias };

const lockClause: Record<How, string> = { waiting: 'FOR UPDATE OF lines', skipping: 'FOR UPDATE OF lines SKIP LOCKED' };

/**
 * Locks the lines that commands concern, then their calls, and reads what they are decided on. What is locked is held until
 * the transaction ends.
 * @throws LinesMissing when it waits, and users have no line.
 */
export async function hold(tx: Sql, concerns: readonly Concern[], how: How): Promise<Held> {
  const asked = eachOnce(concerns.flatMap(({ appId, users }) => users.map((userAlias) => ({ appId, userAlias }))));
  const active = await lockLines(tx, asked, how);
  // A statement of its own: only now, behind the locks, does it see what the last holders committed.
  const { lines, now: early } = await readLines(tx, active);
  const ringing = concerns.flatMap(({ appId, dialing }) => (dialing && lines.get(appId)?.get(dialing)?.rungBy) || []);
  const { calls, now } = await lockCalls(tx, [...concerns.flatMap(({ callIds }) => callIds), ...ringing], how);
  const decidedAt = now ?? early ?? new Date();
  const held = new Map<AppId, InTurn<string | undefined>>();
  const states = new Map((await statesKeptIn(tx, calls)).map((call) => [call.callId, call]));
  for (const appId of new Set(concerns.map((concern) => concern.appId))) {
    const own = calls.filter(({ app_id }) => app_id === appId).flatMap(({ call_id }) => states.get(call_id) ?? []);
    held.set(appId, new InTurn(own, lines.get(appId) ?? new Map(), decidedAt));
  }
  return {
    now: decidedAt,
    in: (appId) => held.get(appId) ?? new InTurn([], new Map(), decidedAt),
    apps: () => [...held],
  };
}

/** Makes the lines of users who have none. In a transaction of its own: one that is not committed would be waited for. */
export async function makeLines(database: Sql, { users }: LinesMissing): Promise<void> {
  await database.query(
    `INSERT INTO lines (app_id, user_alias) SELECT app_id, user_alias FROM unnest($1::text[], $2::text[]) AS missing(app_id, user_alias)
     ORDER BY app_id COLLATE "C", user_alias COLLATE "C" ON CONFLICT DO NOTHING`,
    columnsOf(users),
  );
}

async function lockLines(tx: Sql, asked: readonly Key[], how: How): Promise<Map<string, Key & { activeCall: CallId | null }>> {
  if (asked.length === 0) return new Map();
  const { rows } = await tx.query<{ app_id: AppId; user_alias: UserAlias; active_call_id: CallId | null }>(
    `SELECT lines.app_id, lines.user_alias, lines.active_call_id
     FROM unnest($1::text[], $2::text[]) AS asked(app_id, user_alias) JOIN lines USING (app_id, user_alias)
     ORDER BY lines.app_id COLLATE "C", lines.user_alias COLLATE "C" ${lockClause[how]}`,
    columnsOf(asked),
  );
  const locked = rows.map((row) => ({ appId: row.app_id, userAlias: row.user_alias, activeCall: row.active_call_id }));
  const byName = new Map(locked.map((line) => [nameOf(line), line]));
  const missing = asked.filter((one) => !byName.has(nameOf(one)));
  if (how === 'waiting' && missing.length > 0) throw new LinesMissing(missing);
  return byName;
}

async function readLines(
  tx: Sql,
  active: ReadonlyMap<string, Key & { activeCall: CallId | null }>,
): Promise<{ lines: Map<AppId, Map<UserAlias, Line>>; now: Date | undefined }> {
  const lines = new Map<AppId, Map<UserAlias, Line>>();
  if (active.size === 0) return { lines, now: undefined };
  const { rows } = await tx.query<{ app_id: AppId; user_alias: UserAlias; rung_by: CallId[]; do_not_disturb: boolean; now: Date }>(
    `SELECT app_id, user_alias,
            ARRAY(SELECT call_id FROM rings WHERE rings.app_id = held.app_id AND rings.user_alias = held.user_alias) AS rung_by,
            coalesce((SELECT do_not_disturb FROM user_settings AS s WHERE s.app_id = held.app_id AND s.user_alias = held.user_alias), false)
              AS do_not_disturb,
            clock_timestamp() AS now
     FROM unnest($1::text[], $2::text[]) AS held(app_id, user_alias)`,
    columnsOf([...active.values()]),
  );
  for (const { app_id: appId, user_alias: userAlias, rung_by: rungBy, do_not_disturb: doNotDisturb } of rows) {
    const own = lines.get(appId) ?? new Map<UserAlias, Line>();
    own.set(userAlias, { activeCall: active.get(nameOf({ appId, userAlias }))?.activeCall ?? null, rungBy, doNotDisturb });
    lines.set(appId, own);
  }
  return { lines, now: rows[0]?.now };
}

async function lockCalls(
  tx: Sql,
  callIds: readonly CallId[],
  how: How,
): Promise<{ calls: (KeptState & { app_id: AppId })[]; now: Date | undefined }> {
  if (callIds.length === 0) return { calls: [], now: undefined };
  // The time is told row by row as locks are had, so the last one is that of the last lock.
  const { rows } = await tx.query<KeptState & { app_id: AppId; now: Date }>(
    `WITH locked AS MATERIALIZED (
       SELECT ${keptState}, app_id FROM calls WHERE call_id = ANY($1) ORDER BY call_id FOR UPDATE ${how === 'skipping' ? 'SKIP LOCKED' : ''}
     ) SELECT locked.*, clock_timestamp() AS now FROM locked`,
    [[...new Set(callIds)]],
  );
  return { calls: rows, now: rows.at(-1)?.now };
}

function nameOf({ appId, userAlias }: Key): string {
  return `${appId} ${userAlias}`;
}

function eachOnce(keys: readonly Key[]): Key[] {
  return [...new Map(keys.map((key) => [nameOf(key), key])).values()];
}

function columnsOf(keys: readonly Key[]): [AppId[], UserAlias[]] {
  return [keys.map(({ appId }) => appId), keys.map(({ userAlias }) => userAlias)];
}
