import type { CallOutcome, CallPart, EndReason, NewName, Told } from '@communication-center/contracts';
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

/** @returns why a call, or somebody's part in it, ended, in words. */
export function reasonText(reason: EndReason | NewName): string {
  return textOf(texts, reason);
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
