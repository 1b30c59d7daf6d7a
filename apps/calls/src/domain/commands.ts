import type { CallId, CallType, CustomData, DeclineReason, DeviceId, ProblemCode, UserAlias } from '@communication-center/contracts';

/** Everything that may be asked of a call. Ids and limits arrive with the command; the domain looks nothing up. */
export type Command =
  | DialCall
  | { type: 'ConfirmRinging'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId | null }
  | { type: 'AnswerCall'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId }
  | { type: 'DeclineCall'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId | null; reason: DeclineReason }
  | { type: 'IgnoreCall'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId }
  | { type: 'HangUp'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId | null }
  | { type: 'TimeOutRinging'; callId: CallId; userAlias: UserAlias }
  | { type: 'LoseConnection'; callId: CallId; userAlias: UserAlias; deviceId: DeviceId }
  | { type: 'ReachMaxDuration'; callId: CallId };

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
  customData?: CustomData | undefined;
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
  | 'invalid_request'
>;
