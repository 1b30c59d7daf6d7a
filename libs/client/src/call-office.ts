import type { ClientFrameInput, DeviceId, MediaCredentials, UserAlias } from '@communication-center/contracts';
import type { CenterError } from './center-error.js';
import type { ClientSocketClass } from './client-socket.js';
import type { MediaKind, WishedDevices, Wishes } from './local-media.js';
import type { RemoteStream } from './media-session.js';
import type { ToldDeclineReason, ToldEndReason, ToldMediaFailure, ToldReply } from './told-call.js';

export type CallPhase = 'dialing' | 'ringing' | 'connected' | 'ended';

/** How the call, or this device's part in it, ended. */
export interface CallEnd {
  reason: ToldEndReason;
  /** The user's other device that answered or declined, where one did. */
  byDevice: string | null;
  /** What the one who declined gave as reason, where somebody declined. */
  declineReason?: ToldDeclineReason | undefined;
  /** Where the reason is `media_failed`: why nothing came through, as far as is known. */
  mediaFailure?: ToldMediaFailure | undefined;
  /** Why a dial made no call, where it was refused. */
  error?: CenterError;
}

/** What a call tells its listeners. */
export type CallEvents = {
  /** Something about the call changed: read it anew. */
  changed: [];
  /** A device of this callee rings. */
  ringing: [userAlias: string];
  answered: [userAlias: string];
  /** Somebody is rung who was not in the call before, or not any more. */
  invited: [userAlias: string];
  /** Somebody asks for video: consent with `acceptUpgrade`, or refuse. */
  upgradeRequested: [userAlias: string];
  /** The call has video now. */
  upgraded: [];
  /** The wish for video was refused, taken back or not answered. */
  upgradeRefused: [];
  /** Somebody may not send this any more, by whoever forbade it (null: a server), or may again. */
  participantMuted: [userAlias: string, kind: MediaKind, by: string | null];
  participantAllowed: [userAlias: string, kind: MediaKind];
  /** Nobody more may be invited or come; by whom (null: a server). */
  locked: [by: string | null];
  unlocked: [];
  /** The call is recorded from now on, by whom (null: a server, or the app has it so), and what becomes of that: see `recording`. */
  recordingStarted: [by: string | null];
  recordingPaused: [];
  recordingResumed: [];
  recordingStopped: [];
  /** The call is broadcast to people who are not in it from now on, by whom (null: a server), or no longer: see `broadcast`. */
  broadcastStarted: [by: string | null];
  broadcastStopped: [];
  /** Somebody asks for the word, or not any more. */
  handRaised: [userAlias: string];
  handLowered: [userAlias: string];
  /** This callee is out: declined (with what was given as reason), busy, do-not-disturb or without an answer. */
  declined: [userAlias: string, reason: ToldEndReason, declineReason?: ToldDeclineReason];
  /** With why nothing came through, where the reason is `media_failed`. */
  left: [userAlias: string, reason: ToldEndReason, mediaFailure?: ToldMediaFailure];
  /** The call is up on this device. */
  connected: [];
  /** It is over for this device. */
  ended: [CallEnd];
  localStream: [MediaStream];
  streamAdded: [RemoteStream];
  streamRemoved: [RemoteStream];
  /** Somebody has muted, switched a camera, or is quiet: the stream itself is the same. */
  streamChanged: [RemoteStream];
  /** Others speak than before: who speaks now, whoever began last first. */
  speakersChanged: [userAliases: string[]];
  /** What this device sends, or why it cannot, reads differently: see `sending`. */
  sendingChanged: [];
  /** This device shares a screen, or none any more, by whichever button: see `screen`. */
  screenChanged: [];
  /** How this device, or somebody else, is reached reads differently: see `link` and `reachOf`. */
  linkChanged: [];
  /** Camera or microphone cannot be used, or media does not get through; the call goes on. */
  mediaError: [Error];
};

/** Tells the listeners of a call. */
export type TellCall = <E extends keyof CallEvents>(event: E, ...args: CallEvents[E]) => void;

type OnCall<F> = F extends { callId: unknown } ? Omit<F, 'id' | 'commandId' | 'callId'> : never;
/** A frame about a call, less what the center adds. */
export type CallFrame = OnCall<Exclude<ClientFrameInput, { type: 'credentials' }>>;

/** What a call needs of the center it belongs to. */
export interface CallOffice {
  readonly userAlias: UserAlias;
  readonly deviceId: DeviceId;
  readonly usesMedia: boolean;
  readonly webSocket: ClientSocketClass;
  /** What calls send that have no wishes of their own. */
  readonly sending?: Partial<Wishes> | undefined;
  /** The devices that calls begin with; what is chosen in one call counts for the next. */
  readonly devices?: WishedDevices;
  /** How often the Center is told how media goes, in milliseconds; 0 for never. */
  readonly qualityEveryMs?: number | undefined;
  /** Whether the Center is heard of now. */
  isReached?(): boolean;
  /** Media comes again that did not. */
  networkBack?(): void;
  /** @param waits how long it may wait for a connection: `leaving` waits as long as its call may matter. */
  command(call: { readonly callId: string }, frame: CallFrame, waits?: 'leaving'): Promise<ToldReply>;
  credentials(callId: string): Promise<MediaCredentials>;
}
