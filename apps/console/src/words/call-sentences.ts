import type { Call, ToldParticipant } from '@communication-center/client';
import type { CallList, CallPart, DeclineReason, EndReason, MediaFailure, NewName, Told } from '@communication-center/contracts';
import { clock, listed } from './lists.js';
import { readable, textOf } from './text-of.js';

type NameOf = (userAlias: string) => string;
type Given = { declineReason?: DeclineReason | NewName | undefined };

const given: Record<DeclineReason, string> = {
  none: '',
  error: 'something went wrong there',
  do_not_disturb: 'does not want to be disturbed',
  no_answer: 'did not answer',
  busy: 'is busy',
};

const failures: Record<MediaFailure, string> = {
  not_joined: 'a device never began to send or receive',
  no_candidates: 'a device found no network',
  ice_failed: 'a firewall may be in the way',
  dtls_failed: 'the connection could not be secured',
  no_frames: 'a device was connected, and nothing of what it sends came',
};

function whyFailed(failure: MediaFailure | NewName | undefined): string {
  return failure === undefined ? '' : ` (${textOf(failures, failure)})`;
}

function declined(who: string, { declineReason = 'none' }: Given): string {
  const reason = textOf(given, declineReason);
  return reason ? `${who} declined: ${reason}` : `${who} declined`;
}

type Tellable = Pick<Call, 'direction' | 'others' | 'state' | 'end'>;

/**
 * @param byMe whether this device ended it.
 * @returns why a call is over here, as one would say it.
 */
export function endSentence(call: Tellable, nameOf: NameOf, byMe: boolean): string {
  const who = listed(call.others.map(({ userAlias }) => nameOf(userAlias)));
  const isIncoming = call.direction === 'incoming';
  const { reason, declineReason } = call.end ?? { reason: 'hung_up' };
  const texts: Record<EndReason, string> = {
    hung_up: byMe
      ? `You hung up: the call with ${who} is over`
      : call.others.length === 1
        ? `${who} hung up`
        : `The call with ${who} is over`,
    declined: isIncoming ? `You declined the call from ${nameOf(call.state.initiator)}` : declined(who, { declineReason }),
    no_answer: isIncoming ? `Missed call from ${nameOf(call.state.initiator)}` : `${who} did not answer`,
    cancelled: cancelled(call, nameOf, byMe),
    busy: isIncoming ? `Missed call from ${nameOf(call.state.initiator)}: you were in another call` : `${who} is in another call`,
    do_not_disturb: isIncoming ? `Missed call from ${nameOf(call.state.initiator)}` : `${who} does not want to be disturbed`,
    answered_elsewhere: 'You answered on another device',
    declined_elsewhere: 'You declined on another device',
    connection_lost: `The connection was lost: the call with ${who} is over`,
    media_failed: `No sound or picture got through${whyFailed(call.end?.mediaFailure)}: the call with ${who} is over`,
    kicked: 'You were removed from the call',
    ended_by_server: `The call with ${who} was ended by the app`,
    max_duration: `The call with ${who} reached the longest time that the app allows`,
    error: `Something went wrong: the call with ${who} is over`,
  };
  return textOf(texts, reason);
}

function cancelled(call: Tellable, nameOf: NameOf, byMe: boolean): string {
  const who = nameOf(call.state.initiator);
  if (call.direction === 'outgoing') return 'You cancelled the call';
  return byMe ? `The call from ${who} rings on your other devices alone` : `Missed call from ${who}`;
}

const gone: Record<EndReason, string> = {
  hung_up: 'left the call',
  declined: 'declined',
  no_answer: 'did not answer',
  cancelled: 'was not reached',
  busy: 'is in another call',
  do_not_disturb: 'does not want to be disturbed',
  answered_elsewhere: 'answered on another device',
  declined_elsewhere: 'declined on another device',
  connection_lost: 'lost the connection',
  media_failed: 'got no sound or picture through',
  kicked: 'was removed',
  ended_by_server: 'was taken out by the app',
  max_duration: 'left the call',
  error: 'left after a failure',
};

/** @returns how far somebody is in a call: what stands behind the name. */
export function partText(part: ToldParticipant): string {
  if (part.state === 'connected') return 'in the call';
  if (part.state === 'unknown') return readable(part.named);
  if (part.state === 'ringing') {
    if (part.waiting) return 'is in another call, and told of this one';
    return part.confirmed ? 'ringing' : 'calling';
  }
  if (part.declineReason && part.declineReason !== 'none') return declined('', { declineReason: part.declineReason }).trim();
  return textOf(gone, part.reason);
}

type Listed = Pick<Told<CallList>['calls'][number], 'initiator' | 'parts' | 'participants'>;

/** @returns a call of the history as one would tell it. */
export function historySentence(call: Listed, me: string, nameOf: NameOf): string {
  const others = call.participants.filter(({ userAlias }) => userAlias !== me);
  const who = listed(others.map(({ userAlias }) => nameOf(userAlias)));
  const mine = call.parts.find(({ userAlias }) => userAlias === me);
  const caller = nameOf(call.initiator);
  if (call.initiator === me) {
    if (mine?.outcome !== 'unanswered') return `You called ${who}`;
    const [theirs] = call.parts.filter(({ userAlias }) => userAlias !== me);
    return others.length === 1 && theirs ? unanswered(who, theirs) : `Nobody answered: ${who}`;
  }
  const texts: Record<string, string> = {
    answered: `${caller} called you`,
    missed: `Missed call from ${caller}`,
    busy: `Missed call from ${caller}, while you were busy`,
    declined: `You declined a call from ${caller}`,
    answered_elsewhere: `You answered ${caller} on another device`,
    declined_elsewhere: `You declined ${caller} on another device`,
  };
  return mine?.outcome ? textOf(texts, mine.outcome) : `${caller} calls`;
}

function unanswered(who: string, { reason, declineReason }: Told<CallPart>): string {
  if (reason === 'cancelled') return `You cancelled a call to ${who}`;
  if (reason === 'declined') return declined(who, { declineReason });
  return reason ? `${who} ${textOf(gone, reason)}` : `You called ${who}`;
}

/** @returns how long somebody talked in a call that is over, or that it goes on. */
export function talkText(part: Told<CallPart> | undefined): string {
  if (!part?.outcome) return 'under way';
  return part.talkSeconds >= 1 ? clock(part.talkSeconds) : '';
}
