import type { TellCall } from './call-office.js';
import { bansOf, partOf, type ToldCall, type ToldParticipant } from './told-call.js';

/** Tells of the people in a call, and of the wish for video, what is different between two states of it. */
export function tellDifferences(before: ToldCall, after: ToldCall, tell: TellCall): void {
  for (const participant of after.participants) tellOfPerson(partOf(before, participant.userAlias), participant, tell);
  if (after.lock && !before.lock) tell('locked', after.lock.by);
  else if (before.lock && !after.lock && after.status !== 'ended') tell('unlocked');
  tellOfRecording(before, after, tell);
  tellOfBroadcast(before, after, tell);
  if (after.upgrade && !before.upgrade) tell('upgradeRequested', after.upgrade.requestedBy);
  if (after.callType !== before.callType) tell('upgraded');
  else if (before.upgrade && !after.upgrade && after.status !== 'ended') tell('upgradeRefused');
}

function tellOfPerson(before: ToldParticipant | undefined, after: ToldParticipant, tell: TellCall): void {
  const { userAlias } = after;
  if (after.state === 'ringing' && before?.state !== 'ringing') tell('invited', userAlias);
  if (after.state === 'ringing' && after.confirmed && !(before?.state === 'ringing' && before.confirmed)) tell('ringing', userAlias);
  if (after.state === 'connected' && before?.state !== 'connected') tell('answered', userAlias);
  tellOfOrder(before, after, tell);
  if (after.state !== 'gone' || before?.state === 'gone') return;
  if (before?.state === 'connected' && after.mediaFailure) tell('left', userAlias, after.reason, after.mediaFailure);
  else if (before?.state === 'connected') tell('left', userAlias, after.reason);
  else if (after.declineReason) tell('declined', userAlias, after.reason, after.declineReason);
  else tell('declined', userAlias, after.reason);
}

/** Tells what somebody may not send any more, or may again, and of the hand. */
function tellOfOrder(before: ToldParticipant | undefined, after: ToldParticipant, tell: TellCall): void {
  const { userAlias } = after;
  const [had, has] = [bansOf(before), bansOf(after)];
  for (const kind of ['audio', 'video'] as const) {
    const ban = has[kind];
    if (ban && !had[kind]) tell('participantMuted', userAlias, kind, ban.by);
    else if (had[kind] && !ban) tell('participantAllowed', userAlias, kind);
  }
  if (isHandUp(after) && !isHandUp(before)) tell('handRaised', userAlias);
  else if (isHandUp(before) && !isHandUp(after)) tell('handLowered', userAlias);
}

/** Where one recording follows another at once, the end of the first is told before the beginning of the other. */
function tellOfRecording({ recording: before }: ToldCall, { recording: after }: ToldCall, tell: TellCall): void {
  const isSame = before?.recordingId === after?.recordingId;
  if (before && !isSame) tell('recordingStopped');
  if (after && !isSame) tell('recordingStarted', after.by);
  if (after && after.paused !== (isSame ? before?.paused : false)) tell(after.paused ? 'recordingPaused' : 'recordingResumed');
}

function tellOfBroadcast({ broadcast: before }: ToldCall, { broadcast: after }: ToldCall, tell: TellCall): void {
  if (before?.broadcastId === after?.broadcastId) return;
  if (before) tell('broadcastStopped');
  if (after) tell('broadcastStarted', after.by);
}

function isHandUp(participant: ToldParticipant | undefined): boolean {
  return participant?.state === 'connected' && participant.handRaised !== undefined;
}
