import type { CallState } from '@communication-center/contracts';
import { failBroadcast, startBroadcast, stopBroadcast } from './broadcasting.js';
import type { Command, Lines } from './commands.js';
import { type Decision, nothing, reject } from './decision.js';
import { dial, invite } from './inviting.js';
import { end, failMedia, hangUp, kick, loseConnection, reachMaxDuration, takeOut } from './leaving.js';
import { allowParticipant, lockCall, lowerHand, muteAll, muteParticipant, raiseHand, unlockCall } from './moderating.js';
import { failRecording, pauseRecording, resumeRecording, startRecording, stopRecording } from './recording.js';
import { answer, confirmRinging, decline, ignore, join, timeOutRinging } from './ringing.js';
import { acceptUpgrade, lapseUpgrade, refuseUpgrade, requestUpgrade } from './upgrading.js';

/**
 * Decides what a command makes happen to a call. Pure: the same arguments give the same facts.
 * @param call what the call's events fold to; undefined before it was dialed.
 * @param lines of everyone the command concerns.
 * @returns the facts in order (none when a late timer or a repeat finds nothing to do), or why not.
 */
export function decide(command: Command, call: CallState | undefined, lines: Lines, now: Date): Decision {
  if (command.type === 'DialCall') return call ? nothing : dial(command, lines, now);
  if (!call) return reject('call_not_found');
  switch (command.type) {
    case 'InviteToCall':
      return invite(command, call, lines, now);
    case 'ConfirmRinging':
      return confirmRinging(command, call, now);
    case 'AnswerCall':
      return answer(command, call, lines, now);
    case 'DeclineCall':
      return decline(command, call, now);
    case 'IgnoreCall':
      return ignore(command, call, now);
    case 'JoinCall':
      return join(command, call, lines, now);
    case 'HangUp':
      return hangUp(command, call, now);
    case 'Kick':
      return kick(command, call, now);
    case 'MuteParticipant':
      return muteParticipant(command, call, now);
    case 'AllowParticipant':
      return allowParticipant(command, call, now);
    case 'MuteAll':
      return muteAll(command, call, now);
    case 'LockCall':
      return lockCall(command, call, now);
    case 'UnlockCall':
      return unlockCall(command, call, now);
    case 'RaiseHand':
      return raiseHand(command, call, now);
    case 'LowerHand':
      return lowerHand(command, call, now);
    case 'StartRecording':
      return startRecording(command, call, now);
    case 'PauseRecording':
      return pauseRecording(command, call, now);
    case 'ResumeRecording':
      return resumeRecording(command, call, now);
    case 'StopRecording':
      return stopRecording(command, call, now);
    case 'FailRecording':
      return failRecording(command, call, now);
    case 'StartBroadcast':
      return startBroadcast(command, call, now);
    case 'StopBroadcast':
      return stopBroadcast(command, call, now);
    case 'FailBroadcast':
      return failBroadcast(command, call, now);
    case 'EndCall':
      return end(call, now, command.reason ?? 'ended_by_server');
    case 'RequestUpgrade':
      return requestUpgrade(command, call, now);
    case 'AcceptUpgrade':
      return acceptUpgrade(command, call, now);
    case 'RefuseUpgrade':
      return refuseUpgrade(command, call, now);
    case 'LapseUpgrade':
      return lapseUpgrade(call, now);
    case 'TimeOutRinging':
      return timeOutRinging(command, call, now);
    case 'TakeOut':
      return takeOut(command, call, now);
    case 'LoseConnection':
      return loseConnection(command, call, now);
    case 'FailMedia':
      return failMedia(command, call, now);
    case 'ReachMaxDuration':
      return reachMaxDuration(call, now);
    default:
      return command satisfies never;
  }
}
