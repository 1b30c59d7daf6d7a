import type { CallState, UserAlias } from '@communication-center/contracts';
import type { Command } from './commands.js';
import { type Decision, nothing, reject, stated } from './decision.js';
import { Draft } from './draft.js';
import { refusalOf } from './moderating.js';

type Of<T extends Command['type']> = Command & { type: T };

/** How often one call is recorded at most: each time makes files of its own. */
const mostRecordings = 20;

/** Begins to record; what is recorded already goes on. Everyone in the call is told by the event, before anything is recorded. */
export function startRecording({ by, recordingId, usersMayRecord }: Of<'StartRecording'>, call: CallState, now: Date): Decision {
  const refusal = refusalOf(by, call);
  if (refusal) return refusal;
  if (by !== null && !usersMayRecord) return reject('forbidden', 'The app lets servers alone record: see usersMayRecord');
  if (call.status !== 'connected') return reject('forbidden', 'A call is recorded once somebody has answered: dial it with `record`');
  if (call.recording) return nothing;
  if ((call.recordings ?? 0) >= mostRecordings) return reject('forbidden', `A call is recorded ${mostRecordings} times at most`);
  return stated(new Draft(call.callId, call, now).state({ type: 'call.recording_started', data: { recordingId, by } }));
}

export function pauseRecording({ by }: Of<'PauseRecording'>, call: CallState, now: Date): Decision {
  return change(call, by, now, (draft, recordingId) =>
    draft.call.recording?.paused ? draft : draft.state({ type: 'call.recording_paused', data: { recordingId, by } }),
  );
}

export function resumeRecording({ by }: Of<'ResumeRecording'>, call: CallState, now: Date): Decision {
  return change(call, by, now, (draft, recordingId) =>
    draft.call.recording?.paused ? draft.state({ type: 'call.recording_resumed', data: { recordingId, by } }) : draft,
  );
}

export function stopRecording({ by }: Of<'StopRecording'>, call: CallState, now: Date): Decision {
  return change(call, by, now, (draft, recordingId) =>
    draft.state({ type: 'call.recording_stopped', data: { recordingId, by, reason: 'stopped' } }),
  );
}

/** A word that comes late, or of another recording than the one that goes on, finds nothing to do. */
export function failRecording({ recordingId }: Of<'FailRecording'>, call: CallState, now: Date): Decision {
  if (call.recording?.recordingId !== recordingId) return nothing;
  const data = { recordingId, by: null, reason: 'failed' as const };
  return stated(new Draft(call.callId, call, now).state({ type: 'call.recording_stopped', data }));
}

/** Begins the recording that was asked for at the dial, with the answer that connects the call. */
export function recordFromAnswer(draft: Draft): Draft {
  const { status, recordsFromAnswer: recordingId } = draft.call;
  if (status !== 'connected' || !recordingId) return draft;
  return draft.state({ type: 'call.recording_started', data: { recordingId, by: null } });
}

type RecordingId = NonNullable<CallState['recording']>['recordingId'];

/** What is not recorded has nothing to change: a repeat, or a word that comes after the end of the recording, is no fault. */
function change(call: CallState, by: UserAlias | null, now: Date, act: (draft: Draft, recordingId: RecordingId) => Draft): Decision {
  const refusal = refusalOf(by, call);
  if (refusal) return refusal;
  return call.recording ? stated(act(new Draft(call.callId, call, now), call.recording.recordingId)) : nothing;
}
