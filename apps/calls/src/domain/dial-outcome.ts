import type { CallState } from '@communication-center/contracts';

/** Whether a dial reached nobody because every callee was busy: its events stand, and the caller gets a typed error. */
export function reachedOnlyBusyCallees(call: CallState): boolean {
  return (
    call.status === 'ended' &&
    call.reason === 'busy' &&
    call.participants.every(({ userAlias, ...rest }) => userAlias === call.initiator || ('reason' in rest && rest.reason === 'busy'))
  );
}
