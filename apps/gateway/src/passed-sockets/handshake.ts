import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { bearerSubprotocol } from '@communication-center/contracts';
import { ProblemError } from '@communication-center/service';
import { passedOn } from '../public-door/passed-headers.js';

/** @throws ProblemError for a request that is no client's opening handshake (RFC 6455 §4.2.1). */
export function requireHandshake({ method, httpVersion, headers }: Pick<IncomingMessage, 'method' | 'httpVersion' | 'headers'>): void {
  if (method !== 'GET' || httpVersion !== '1.1' || headers.upgrade?.toLowerCase() !== 'websocket')
    throw new ProblemError('invalid_request', 'Ask for a WebSocket with GET and HTTP/1.1');
  if (headers['sec-websocket-version'] !== '13') throw new ProblemError('unsupported_protocol', 'WebSockets of version 13 are spoken here');
  if (!/^[A-Za-z0-9+/]{22}==$/.test(headers['sec-websocket-key'] ?? ''))
    throw new ProblemError('invalid_request', 'Sec-WebSocket-Key: send 16 bytes in base64');
}

/** @returns the subprotocols a client offers, and the credential that a page puts among them. */
function offeredIn(headers: IncomingHttpHeaders): { protocols: string[]; credential: string | undefined } {
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
  const isCredential = (name: string) => name.startsWith(bearerSubprotocol);
  return {
    protocols: offered.filter((name) => !isCredential(name)),
    credential: offered.find(isCredential)?.slice(bearerSubprotocol.length),
  };
}

/**
 * @returns the credential of whoever asks for a socket: as over REST, or for pages among the subprotocols.
 * @throws ProblemError `unauthenticated` where there is none.
 */
export function credentialOf(headers: IncomingHttpHeaders): string {
  const { authorization } = headers;
  const credential = authorization?.startsWith('Bearer ') ? authorization.slice(7) : offeredIn(headers).credential;
  if (credential) return credential;
  throw new ProblemError(
    'unauthenticated',
    `Send Authorization: Bearer <API key or user token>, or offer the subprotocol ${bearerSubprotocol}<token> beside the one you speak`,
  );
}

/** What both ends settle between them: the door reads no frame, so what is in them is theirs. */
const ofSockets = ['sec-websocket-key', 'sec-websocket-version', 'sec-websocket-extensions'] as const;
const answered = ['sec-websocket-accept', 'sec-websocket-protocol', 'sec-websocket-extensions'] as const;

const pick = (headers: IncomingHttpHeaders, names: readonly string[]) =>
  Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));

/** @returns the header fields of an opening handshake that are passed on; the credential is not among them. */
export function handshakeFor(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const { protocols } = offeredIn(headers);
  return {
    ...passedOn(headers),
    ...pick(headers, ofSockets),
    ...(protocols.length > 0 && { 'sec-websocket-protocol': protocols.join(', ') }),
  };
}

/** @returns the header fields of a service's answer to it that are passed back. */
export const handshakeOf = (headers: IncomingHttpHeaders) => pick(headers, answered);
