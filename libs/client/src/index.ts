export { Call } from './call.js';
export type { CallEnd, CallPhase } from './call-office.js';
export { CenterError } from './center-error.js';
export { CommunicationCenter, type ConnectOptions, type DialOptions, type HistoryFilter } from './communication-center.js';
export type { ConnectionState } from './connection.js';
export type { RemoteStream } from './media-session.js';
export type { PresenceListener } from './presence-watch.js';
