import type {
  AppId,
  CallEvent,
  ClientFrame,
  DeviceId,
  HeldToken,
  Platform,
  RingSubject,
  ServerFrame,
  SessionId,
  UserAlias,
} from '@communication-center/contracts';
import type { CommandFrame } from '../domain/frame-lanes.js';
import type { DeviceSocket } from './device-socket.js';

/** Close codes of the protocol, in the range RFC 6455 §7.4.2 leaves to applications; the rest are the RFC's own. */
export const closeCodes = {
  protocolError: 4000,
  unauthenticated: 4001,
  connectTimeout: 4002,
  tooSlow: 4003,
  expelled: 4004,
  tooLarge: 1009,
  restarting: 1012,
  overloaded: 1013,
} as const;

/** Who is on the socket, once it has said so and was believed. */
export interface Device {
  sessionId: SessionId;
  appId: AppId;
  userAlias: UserAlias;
  deviceId: DeviceId;
  platform: Platform;
  openedAt: string;
  /** By which it was let in; left out by directories of an older release. */
  token?: HeldToken | undefined;
  /** Set where it was let in by a ring token: to which call, and of which event its ring is. It does nothing else. */
  ring?: Pick<RingSubject, 'callId' | 'sequence'> | undefined;
}

export type ConnectFrame = ClientFrame & { type: 'connect' };
export type DialedEvent = CallEvent & { type: 'call.dialed' };
export type RefreshFrame = ClientFrame & { type: 'refresh' };

/** What a socket needs of the gateway. */
export interface SocketOwner {
  connect(socket: DeviceSocket, frame: ConnectFrame): Promise<void>;
  /** Lets the device go on with another token. */
  refresh(socket: DeviceSocket, device: Device, frame: RefreshFrame): Promise<ServerFrame>;
  carryOut(socket: DeviceSocket, device: Device, frame: CommandFrame): Promise<ServerFrame>;
  /** The socket was told of a call that somebody dialed. */
  heardOfDial(socket: DeviceSocket, device: Device, event: DialedEvent): void;
  closed(socket: DeviceSocket, signedOut: boolean): void;
  failed(error: unknown, doing: string): void;
}
