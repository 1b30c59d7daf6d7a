import type { AppId, CallId, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { Command } from '../domain/commands.js';
import { participantsOfCalls } from '../event-store/kept-states.js';
import type { CommandKey } from './command-memory.js';
import type { Concern } from './hold.js';

/** A command as somebody asks for it. */
export interface AskedCommand {
  appId: AppId;
  command: Command;
  /** Its repeat gets the first reply. */
  key?: CommandKey | undefined;
  /** The trace it is a part of. */
  traceparent?: string | undefined;
}

/** @returns what each command concerns, as of now: nothing is locked yet; undefined where its app has no such call. */
export async function concernsOf(sql: Sql, asked: readonly AskedCommand[]): Promise<(Concern | undefined)[]> {
  const active = await activeCallsOf(sql, asked);
  const named = asked.flatMap(({ command }) => (command.type === 'DialCall' ? [] : command.callId));
  const calls = await participantsOfCalls(sql, [...named, ...active.filter((callId) => callId !== undefined)]);
  return asked.map(({ appId, command }, index) => {
    if (command.type === 'DialCall') return dialConcern(appId, command);
    const call = calls.get(command.callId);
    if (call?.appId !== appId) return undefined;
    const other = active[index];
    const callIds = other ? [command.callId, other] : [command.callId];
    const invited = command.type === 'InviteToCall' ? command.callees : [];
    return { appId, callIds, users: [...callIds.flatMap((callId) => calls.get(callId)?.participants ?? []), ...invited] };
  });
}

function dialConcern(appId: AppId, { initiator, callees, initiatorDevice }: Command & { type: 'DialCall' }): Concern {
  const dialing = initiatorDevice && callees.length === 1 ? { dialing: initiator } : {};
  return { appId, callIds: [], users: [initiator, ...callees], ...dialing };
}

/** @returns for each command the call that its user would hang up to answer. */
async function activeCallsOf(sql: Sql, asked: readonly AskedCommand[]): Promise<(CallId | undefined)[]> {
  const leaving = asked.map(({ appId, command }) =>
    command.type === 'AnswerCall' && command.hangUpOther ? { appId, command } : undefined,
  );
  const users = leaving.flatMap((one) => (one ? { appId: one.appId, userAlias: one.command.userAlias } : []));
  if (users.length === 0) return asked.map(() => undefined);
  const { rows } = await sql.query<{ app_id: AppId; user_alias: UserAlias; active_call_id: CallId }>(
    `SELECT app_id, user_alias, active_call_id FROM unnest($1::text[], $2::text[]) AS asked(app_id, user_alias)
     JOIN lines USING (app_id, user_alias) WHERE active_call_id IS NOT NULL`,
    [users.map(({ appId }) => appId), users.map(({ userAlias }) => userAlias)],
  );
  return leaving.map((one) => {
    const line = one && rows.find(({ app_id, user_alias }) => app_id === one.appId && user_alias === one.command.userAlias);
    return line && line.active_call_id !== one.command.callId ? line.active_call_id : undefined;
  });
}
