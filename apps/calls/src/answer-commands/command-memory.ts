import { createHash } from 'node:crypto';
import type { AppId, CallId, CallState, CommandId, ProblemCode } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { ProblemError } from '@communication-center/service';
import type { Command } from '../domain/commands.js';

/** Names one act of one actor: its repeat gets the first reply. */
export interface CommandKey {
  /** The user or the API key that sent it. */
  actor: string;
  commandId: CommandId;
}

/** What a command came to: the call afterwards, or a rejection. */
export type Reply =
  | { call: CallState; problem?: never }
  | { problem: { code: ProblemCode; detail?: string; callId?: CallId }; call?: never };

/** @returns a digest of what the command asks, less the ids the Center itself gave it. */
export function fingerprintOf(command: Command): string {
  const { callId, ...asked } = command;
  return createHash('sha256')
    .update(JSON.stringify(command.type === 'DialCall' ? asked : { callId, ...asked }))
    .digest('base64url');
}

/**
 * Reserves a command's key in this transaction; a concurrent repeat waits here until it commits.
 * @returns the first reply when the command was carried out before.
 * @throws ProblemError `idempotency_mismatch` when the id was used for something else.
 */
export async function recall(tx: Sql, appId: AppId, key: CommandKey, fingerprint: string): Promise<Reply | undefined> {
  const values = [appId, key.actor, key.commandId];
  const reserved = await tx.query(
    'INSERT INTO commands (app_id, actor, command_id, fingerprint) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [...values, fingerprint],
  );
  if (reserved.rowCount === 1) return undefined;
  const { rows } = await tx.query<{ fingerprint: string; reply: Reply }>(
    'SELECT fingerprint, reply FROM commands WHERE app_id = $1 AND actor = $2 AND command_id = $3',
    values,
  );
  const first = rows[0];
  if (!first || first.fingerprint !== fingerprint) {
    throw new ProblemError('idempotency_mismatch', `commandId ${key.commandId} was used for another command: make a new one`);
  }
  return first.reply;
}

/** Stores the reply with the effects it tells of. */
export async function remember(tx: Sql, appId: AppId, key: CommandKey, reply: Reply): Promise<void> {
  await tx.query('UPDATE commands SET reply = $4 WHERE app_id = $1 AND actor = $2 AND command_id = $3', [
    appId,
    key.actor,
    key.commandId,
    JSON.stringify(reply),
  ]);
}
