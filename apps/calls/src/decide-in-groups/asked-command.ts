import type { AppId, CallEvent } from '@communication-center/contracts';
import type { Command } from '../domain/commands.js';
import type { CommandKey } from './command-memory.js';
import type { User, Wanted } from './hold.js';

/** A command as somebody asks for it. */
export interface AskedCommand {
  appId: AppId;
  command: Command;
  /** Its repeat gets the first reply. */
  key?: CommandKey | undefined;
  /** The trace it is a part of. */
  traceparent?: string | undefined;
  /** Hears of what has happened to its call, once that is committed and before it is replied to. */
  hear?: ((events: readonly CallEvent[]) => void) | undefined;
}

/** @returns the users whom a command names and who need not be in its call: they must exist. */
export function namedBy({ appId, command }: AskedCommand): User[] {
  switch (command.type) {
    case 'DialCall':
      return [command.initiator, ...command.callees].map((userAlias) => ({ appId, userAlias }));
    case 'InviteToCall':
      return command.callees.map((userAlias) => ({ appId, userAlias }));
    default:
      return [];
  }
}

/** @returns what commands need to hold. */
export function wantedBy(asked: readonly AskedCommand[]): Wanted {
  return {
    calls: asked.flatMap(({ appId, command }) => (command.type === 'DialCall' ? [] : { appId, callId: command.callId })),
    users: asked.flatMap(namedBy),
    dialing: asked.flatMap(({ appId, command }) =>
      command.type === 'DialCall' && command.initiatorDevice && command.callees.length === 1 ? { appId, userAlias: command.initiator } : [],
    ),
    leaving: asked.flatMap(({ appId, command }) =>
      command.type === 'AnswerCall' && command.hangUpOther ? { appId, userAlias: command.userAlias } : [],
    ),
    keys: asked.flatMap(({ appId, key }) => (key ? { ...key, appId } : [])),
  };
}
