import { createHash } from 'node:crypto';
import type { AppId, CallId, CallState, CommandId, ProblemCode } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';

/** Names one act of one actor: its repeat gets the first reply. */
export interface CommandKey {
  /** The user or the API key that sent it. */
  actor: string;
  commandId: CommandId;
  /** Tells another act that was given the same id from a repeat. */
  fingerprint: string;
}

/** What a command came to: the call afterwards, or a rejection. */
export type Reply =
  | { call: CallState; problem?: never }
  | { problem: { code: ProblemCode; detail?: string; callId?: CallId }; call?: never };

/** @returns a digest of what was asked, less the ids and terms that the Center itself added. */
export function fingerprintOf(asked: object): string {
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url');
}

/** A command's key, in its app. */
export interface KeptKey extends CommandKey {
  appId: AppId;
}

/** A row of `commands`. */
export interface KeptReply {
  app_id: AppId;
  actor: string;
  command_id: CommandId;
  fingerprint: string;
  reply: Reply;
}

/** What was replied to commands before. */
export class CommandMemory {
  readonly #replies: Map<string, { fingerprint: string; reply: Reply }>;
  readonly #new: { key: KeptKey; reply: Reply }[] = [];

  constructor(kept: readonly KeptReply[] = []) {
    this.#replies = new Map(
      kept.map(({ app_id: appId, actor, command_id: commandId, fingerprint, reply }) => [
        nameOf({ appId, actor, commandId }),
        { fingerprint, reply },
      ]),
    );
  }

  /** Reads the first reply to one command, if it was carried out before. */
  static async read(sql: Sql, { appId, actor, commandId }: KeptKey): Promise<CommandMemory> {
    const { rows } = await sql.query<KeptReply>(
      'SELECT app_id, actor, command_id, fingerprint, reply FROM commands WHERE app_id = $1 AND actor = $2 AND command_id = $3',
      [appId, actor, commandId],
    );
    return new CommandMemory(rows);
  }

  /** @returns the first reply to a command that was carried out before, `idempotency_mismatch` where that was another one. */
  replyTo(key: KeptKey): Reply | undefined {
    const first = this.#replies.get(nameOf(key));
    if (!first || first.fingerprint === key.fingerprint) return first?.reply;
    const detail = `commandId ${key.commandId} was used for another command: make a new one`;
    return { problem: { code: 'idempotency_mismatch', detail } };
  }

  remember(key: KeptKey, reply: Reply): void {
    this.#replies.set(nameOf(key), { fingerprint: key.fingerprint, reply });
    this.#new.push({ key, reply });
  }

  /** @returns what is to be stored with the effects it tells of, as JSON for the table's columns. */
  get rows(): object[] {
    return this.#new.map(({ key: { appId, actor, commandId, fingerprint }, reply }) => ({
      app_id: appId,
      actor,
      command_id: commandId,
      fingerprint,
      reply,
    }));
  }
}

function nameOf({ appId, actor, commandId }: Pick<KeptKey, 'appId' | 'actor' | 'commandId'>): string {
  return JSON.stringify([appId, actor, commandId]);
}
