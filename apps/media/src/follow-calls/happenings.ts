import { type AnyEvent, type CallId, readEvent, type UserAlias } from '@communication-center/contracts';
import type { Moderated } from './bans.js';

/** What an event of a call means to its media. */
export interface Happening {
  callId: CallId;
  sequence: number;
  /** Whose part in the call is over with it, while the call may go on; of who comes in, the part on whatever device they were in it before. */
  left?: UserAlias;
  /** What somebody may not send from now on, or may again. */
  moderated?: Moderated;
  /** Whether the call is over with it. */
  ended?: true;
}

const endsPart = new Set(['call.left', 'call.hung_up', 'call.kicked', 'call.joined']);
const moderates = new Set(['call.participant_muted', 'call.participant_unmuted']);

/** Whether events of a type mean anything to media beside that they were there. */
export const meansMuch = (type: string): boolean => type === 'call.ended' || endsPart.has(type) || moderates.has(type);

/**
 * @returns what an event means to media: as a rule nothing, and then no more than its envelope is looked at.
 * @throws NewerEventError or ZodError for one that means something, and that this release cannot read.
 */
export function happeningOf(event: AnyEvent): Happening {
  const happening = { callId: event.subject as CallId, sequence: event.sequence };
  if (event.type === 'call.ended') return { ...happening, ended: true };
  if (!meansMuch(event.type)) return happening;
  const read = readEvent('calls.events', event);
  if (read.type === 'call.participant_muted' || read.type === 'call.participant_unmuted') {
    const { userAlias, media } = read.data;
    return { ...happening, moderated: { userAlias, media, isForbidden: read.type === 'call.participant_muted' } };
  }
  return 'userAlias' in read.data ? { ...happening, left: read.data.userAlias } : happening;
}
