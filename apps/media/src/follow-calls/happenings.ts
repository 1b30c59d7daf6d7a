import { type AnyEvent, type CallId, readEvent, type UserAlias } from '@communication-center/contracts';

/** What an event of a call means to its media. */
export interface Happening {
  callId: CallId;
  sequence: number;
  /** Whose part in the call is over with it, while the call may go on; of who comes in, the part on whatever device they were in it before. */
  left?: UserAlias;
  /** Whether the call is over with it. */
  ended?: true;
}

const endsPart = new Set(['call.left', 'call.hung_up', 'call.kicked', 'call.joined']);

/**
 * @returns what an event means to media: as a rule nothing, and then no more than its envelope is looked at.
 * @throws NewerEventError or ZodError for a departure that this release cannot read.
 */
export function happeningOf(event: AnyEvent): Happening {
  const happening = { callId: event.subject as CallId, sequence: event.sequence };
  if (event.type === 'call.ended') return { ...happening, ended: true };
  if (!endsPart.has(event.type)) return happening;
  const departure = readEvent('calls.events', event);
  return 'userAlias' in departure.data ? { ...happening, left: departure.data.userAlias } : happening;
}
