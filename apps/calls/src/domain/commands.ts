import type {
  BroadcastId,
  CallId,
  CallType,
  CustomData,
  DeclineReason,
  DeviceId,
  Forbiddable,
  MediaFailure,
  ProblemCode,
  RecordingId,
  UserAlias,
} from '@communication-center/contracts';

/** Everything that may be asked of a call. Ids and limits arrive with the command; the domain looks nothing up. */
export type Command =
  | DialCall
  | InviteToCall
  | { type: 'ConfirmRinging'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId | null }
  | { type: 'AnswerCall'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId; hangUpOther?: boolean | undefined }
  | { type: 'DeclineCall'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId | null; reason: DeclineReason }
  | { type: 'IgnoreCall'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId }
  | { type: 'JoinCall'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId }
  | { type: 'HangUp'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId | null }
  /** `by` is null when a server does it. */
  | { type: 'Kick'; callId: CallId; by: UserAlias | null; userAlias: UserAlias }
  /** What moderates a call: `by` is null when a server does it. */
  | { type: 'MuteParticipant'; callId: CallId; by: UserAlias | null; userAlias: UserAlias; media: Forbiddable[] }
  | { type: 'AllowParticipant'; callId: CallId; by: UserAlias | null; userAlias: UserAlias; media: Forbiddable[] }
  | { type: 'MuteAll'; callId: CallId; by: UserAlias | null; media: Forbiddable[] }
  | { type: 'LockCall'; callId: CallId; by: UserAlias | null }
  | { type: 'UnlockCall'; callId: CallId; by: UserAlias | null }
  | { type: 'RaiseHand'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId | null }
  /** One's own, or, who moderates the call, anybody's. */
  | { type: 'LowerHand'; callId: CallId; by: UserAlias | null; userAlias: UserAlias }
  | { type: 'StartRecording'; callId: CallId; by: UserAlias | null; recordingId: RecordingId; usersMayRecord: boolean }
  | { type: 'PauseRecording'; callId: CallId; by: UserAlias | null }
  | { type: 'ResumeRecording'; callId: CallId; by: UserAlias | null }
  | { type: 'StopRecording'; callId: CallId; by: UserAlias | null }
  /** The Center's own: it could not record. */
  | { type: 'FailRecording'; callId: CallId; recordingId: RecordingId }
  | { type: 'StartBroadcast'; callId: CallId; by: UserAlias | null; broadcastId: BroadcastId; usersMayBroadcast: boolean }
  | { type: 'StopBroadcast'; callId: CallId; by: UserAlias | null }
  /** The Center's own: it could not broadcast. */
  | { type: 'FailBroadcast'; callId: CallId; broadcastId: BroadcastId }
  /** A server's: nobody in the call asked for it. With `error` when the Center itself cannot carry it on. */
  | { type: 'EndCall'; callId: CallId; reason?: 'error' }
  | { type: 'RequestUpgrade'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId }
  | { type: 'AcceptUpgrade'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId }
  | { type: 'RefuseUpgrade'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId | null }
  | { type: 'LapseUpgrade'; callId: CallId }
  | { type: 'TimeOutRinging'; callId: CallId; userAlias: UserAlias }
  /** The user was deleted: nobody of that name is in a call, or rings, any more. */
  | { type: 'TakeOut'; callId: CallId; userAlias: UserAlias }
  | { type: 'LoseConnection'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId }
  | FailMedia
  | { type: 'ReachMaxDuration'; callId: CallId };

export type CommandOnCall = Exclude<Command, DialCall>;

/** The media of somebody's device failed: it has not joined them in its time; or, where `failed` is there, nothing ever came through. */
interface FailMedia {
  type: 'FailMedia';
  callId: CallId;
  userAlias: UserAlias;
  /** On which device, when by the Center's clock (in milliseconds since 1970), and why, where this release knows the word for it. */
  failed?: { deviceId: DeviceId; at: number; why: MediaFailure | undefined } | undefined;
}

export interface DialCall {
  type: 'DialCall';
  callId: CallId;
  initiator: UserAlias;
  /** null when a server dials: the initiator's own devices ring too. */
  initiatorDevice: DeviceId | null;
  callees: UserAlias[];
  callType: CallType;
  ringSeconds: number;
  maxDurationSeconds: number;
  maxParticipants: number;
  mediaSetupSeconds: number;
  customData?: CustomData | undefined;
  /** Of the recording that begins with the first answer. */
  recordingId?: RecordingId | undefined;
  /** Whether the app rings busy callees nevertheless. */
  callWaiting: boolean;
}

/** Rings more people in a call that is under way, or some of its people again. */
interface InviteToCall {
  type: 'InviteToCall';
  callId: CallId;
  /** null when a server does it. */
  by: UserAlias | null;
  callees: UserAlias[];
  /** Whether only those who had a part in the call may be rung. */
  again: boolean;
  /** The call's own ring time where left out. */
  ringSeconds?: number | undefined;
  callWaiting: boolean;
}

/** What the Center knows of a user when it decides; its row is locked meanwhile. */
export interface Line {
  /** The one call the user is connected in or dials. */
  activeCall: CallId | null;
  /** Calls that ring the user. */
  rungBy: CallId[];
  doNotDisturb: boolean;
}

export type Lines = ReadonlyMap<UserAlias, Line>;

export type Rejection = Extract<
  ProblemCode,
  | 'call_not_found'
  | 'already_ended'
  | 'already_answered'
  | 'already_in_call'
  | 'not_a_participant'
  | 'initiator_busy'
  | 'too_many_participants'
  | 'too_many_calls'
  | 'call_locked'
  | 'not_upgradable'
  | 'no_upgrade_requested'
  | 'too_many_upgrade_requests'
  | 'forbidden'
  | 'invalid_request'
>;
