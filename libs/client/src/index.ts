export type {
  CallType,
  CustomData,
  DeclineReason,
  EndReason,
  NewName,
  Platform,
  Profile,
  PushTarget,
  Sending,
  Told,
} from '@communication-center/contracts';
export { type Arranging, arrange, gridFor } from './arrange.js';
export { Call } from './call.js';
export type { CallEnd, CallPhase } from './call-office.js';
export { type Ban, CenterError, MediaForbiddenError } from './center-error.js';
export type { ClientSocket, ClientSocketClass } from './client-socket.js';
export { CommunicationCenter, type ConnectOptions, type DialOptions, type HistoryFilter } from './communication-center.js';
export type { ConnectionState } from './connection.js';
export type { DeviceProblem, DeviceSending, MediaKind, WishedDevices, Wishes } from './local-media.js';
export type { LinkState, Reach, RemoteStream } from './media-session.js';
export type { MediaTestOptions, MediaTestReport, TurnReached } from './media-test.js';
export type { EchoFigures } from './media-test-echo.js';
export type { PresenceListener, ToldPresence } from './presence-watch.js';
export type { PushDevice } from './push-device.js';
export { answerWithRingToken, confirmWithRingToken, declineWithRingToken, type PushedRingToken } from './pushed-ring.js';
export type { ToldCall, ToldDeclineReason, ToldEndReason, ToldMediaFailure, ToldParticipant } from './told-call.js';
