import type { TellCall } from './call-office.js';
import { partOf, type ToldCall, type ToldParticipant } from './told-call.js';

/** Tells of the people in a call, and of the wish for video, what is different between two states of it. */
export function tellDifferences(before: ToldCall, after: ToldCall, tell: TellCall): void {
  for (const participant of after.participants) tellOfPerson(partOf(before, participant.userAlias), participant, tell);
  if (after.upgrade && !before.upgrade) tell('upgradeRequested', after.upgrade.requestedBy);
  if (after.callType !== before.callType) tell('upgraded');
  else if (before.upgrade && !after.upgrade && after.status !== 'ended') tell('upgradeRefused');
}

function tellOfPerson(before: ToldParticipant | undefined, after: ToldParticipant, tell: TellCall): void {
  const { userAlias } = after;
  if (after.state === 'ringing' && before?.state !== 'ringing') tell('invited', userAlias);
  if (after.state === 'ringing' && after.confirmed && !(before?.state === 'ringing' && before.confirmed)) tell('ringing', userAlias);
  if (after.state === 'connected' && before?.state !== 'connected') tell('answered', userAlias);
  if (after.state !== 'gone' || before?.state === 'gone') return;
  if (before?.state === 'connected') tell('left', userAlias, after.reason);
  else if (after.declineReason) tell('declined', userAlias, after.reason, after.declineReason);
  else tell('declined', userAlias, after.reason);
}
