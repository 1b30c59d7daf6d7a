import type { CallState } from '@communication-center/contracts';
import type { Command, Lines } from './commands.js';
import type { Decision } from './decision.js';
import { hangUp } from './leaving.js';
import { answer } from './ringing.js';

/**
 * Leaves the call the user is in and answers the one that waits: both, or neither.
 * @param active the call the user is in.
 */
export function hangUpAndAnswer(
  command: Command & { type: 'AnswerCall' },
  { active, waiting, lines }: { active: CallState; waiting: CallState; lines: Lines },
  now: Date,
): { left: Decision; answered: Decision } {
  const { userAlias, deviceId } = command;
  const line = lines.get(userAlias);
  const freed = line ? new Map(lines).set(userAlias, { ...line, activeCall: null }) : lines;
  const answered = answer(command, waiting, freed, now);
  const left: Decision = answered.rejected ? answered : hangUp({ type: 'HangUp', callId: active.callId, userAlias, deviceId }, active, now);
  return { left, answered };
}
