import { CenterError } from './center-error.js';

/** What the SDK uses of a WebSocket: that of browsers, of Node from 22 on, of React Native, and of the package `ws`. */
export interface ClientSocket {
  readonly readyState: number;
  send(data: string): void;
  close(code?: number): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number }) => void): void;
}

export type ClientSocketClass = new (url: string, protocol: string) => ClientSocket;

const open = 1;

export function isOpen(socket: ClientSocket | undefined): socket is ClientSocket {
  return socket?.readyState === open;
}

/** @returns the platform's own WebSocket. @throws CenterError `invalid_request` where there is none, as in Node 20. */
export function platformSocket(): ClientSocketClass {
  if (typeof WebSocket !== 'undefined') return WebSocket;
  const message = 'this platform has no WebSocket: hand one in, such as that of the package ws';
  throw new CenterError('invalid_request', `webSocket: ${message}`, { fields: [{ field: 'webSocket', message }] });
}
