import { type AppId, type CallId, type CallState, foldCallEvent, foldVersion } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { eventsOfCalls } from './events.js';

/** A call's row, with the state that was kept beside its events. */
export interface KeptState {
  call_id: CallId;
  version: number;
  fold: number | null;
  state: CallState | null;
}

/** The columns of {@link KeptState}. */
const keptState = 'call_id, version, fold, state';

/**
 * @returns what calls are. A state that another version of the fold made, or that is not of the call's last event because a
 * release that keeps none appended to it, is folded from the events instead; the next append keeps it.
 */
export async function statesKeptIn(sql: Sql, rows: readonly KeptState[]): Promise<CallState[]> {
  const isGood = ({ version, fold, state }: KeptState) => fold === foldVersion && state?.sequence === version;
  const stale = rows.filter((row) => !isGood(row)).map(({ call_id }) => call_id);
  const refolded = stale.length === 0 ? [] : [...(await eventsOfCalls(sql, stale)).values()];
  return [
    ...rows.filter(isGood).flatMap(({ state }) => state ?? []),
    ...refolded.flatMap((events) => events.reduce<CallState | undefined>(foldCallEvent, undefined) ?? []),
  ];
}

/** @returns what some calls are; those of another app are left out. */
export async function statesOfCalls(sql: Sql, appId: AppId, callIds: readonly CallId[]): Promise<CallState[]> {
  if (callIds.length === 0) return [];
  const { rows } = await sql.query<KeptState>(`SELECT ${keptState} FROM calls WHERE call_id = ANY($1) AND app_id = $2`, [callIds, appId]);
  return statesKeptIn(sql, rows);
}

/** @returns what some calls are, of whatever app. */
export async function statesByCall(sql: Sql, callIds: readonly CallId[]): Promise<Map<CallId, CallState>> {
  if (callIds.length === 0) return new Map();
  const { rows } = await sql.query<KeptState>(`SELECT ${keptState} FROM calls WHERE call_id = ANY($1)`, [callIds]);
  return new Map((await statesKeptIn(sql, rows)).map((state) => [state.callId, state]));
}
