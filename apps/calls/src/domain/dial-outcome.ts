import { type CallState, participantOf, type UserAlias } from '@communication-center/contracts';

/** Whether a dial or an invitation reached nobody because every callee was busy: its events stand, and the caller gets a typed error. */
export function reachedOnlyBusyCallees(call: CallState, callees: readonly UserAlias[]): boolean {
  return callees.every((userAlias) => {
    const participant = participantOf(call, userAlias);
    return participant?.state === 'gone' && participant.reason === 'busy';
  });
}
