import type { CallOutcome, CallPart, DeclineReason, EndReason, NewName, Told } from '@communication-center/contracts';
import { textOf } from '../text-of.js';

const texts: Record<EndReason, string> = {
  hung_up: 'Hung up',
  declined: 'Declined',
  no_answer: 'No answer',
  cancelled: 'Cancelled',
  busy: 'Busy',
  do_not_disturb: 'Do not disturb',
  answered_elsewhere: 'Answered on another device',
  declined_elsewhere: 'Declined on another device',
  connection_lost: 'Connection lost',
  media_failed: 'No sound or picture got through',
  kicked: 'Removed from the call',
  ended_by_server: 'Ended by the app',
  max_duration: 'The longest time was reached',
  error: 'Something went wrong',
};

const given: Record<DeclineReason, string> = {
  none: '',
  error: 'something went wrong',
  do_not_disturb: 'do not disturb',
  no_answer: 'no answer',
  busy: 'busy',
};

interface Ended {
  reason: EndReason | NewName;
  declineReason?: DeclineReason | NewName | undefined;
}

/** @returns why a call, or somebody's part in it, ended, in words; with what was given as reason for a decline. */
export function reasonText({ reason, declineReason = 'none' }: Ended): string {
  return [textOf(texts, reason), textOf(given, declineReason)].filter(Boolean).join(': ');
}

const outcomes: Record<CallOutcome, string> = {
  answered: 'Answered',
  unanswered: 'Not answered',
  missed: 'Missed',
  declined: 'Declined',
  busy: 'Missed while busy',
  answered_elsewhere: 'Answered on another device',
  declined_elsewhere: 'Declined on another device',
};

/** @returns how a call went for somebody, in words. */
export function outcomeText(part: Told<CallPart> | undefined): string {
  if (!part?.outcome) return 'under way';
  const talked = part.talkSeconds >= 1 ? `, ${Math.round(part.talkSeconds)} s` : '';
  return textOf(outcomes, part.outcome) + talked;
}
