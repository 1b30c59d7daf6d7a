import type { Reply } from './command-memory.js';
import type { User } from './hold.js';

/** Why a command was not decided with its group; nothing of it was done. */
export type LeftOut =
  /** Somebody else holds what it concerns, or it became another's concern. */
  | { leftOut: 'held' }
  /** These users never had a call, and so have no line to lock. */
  | { leftOut: 'unlined'; users: User[] }
  /** It names users whom nobody knows here. */
  | { leftOut: 'unknown'; users: User[] };

export function isLeftOut(reply: Reply | LeftOut): reply is LeftOut {
  return 'leftOut' in reply;
}

/** A command names users whom nobody knows here: they may have been made a moment ago. */
export class UnknownUsers extends Error {
  constructor(readonly users: readonly User[]) {
    super(`Unknown here: ${users.map(({ userAlias }) => userAlias).join(', ')}`);
  }
}
