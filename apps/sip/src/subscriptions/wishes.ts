import { randomBytes } from 'node:crypto';
import type { ProblemError } from '@communication-center/service';
import { isPackage, type Package, packages, uriOf } from '../domain/documents.js';
import { allowed } from '../messages/methods.js';
import { type Peer, parseMessage, responseTo, type SipRequest } from '../messages/sip-message.js';
import type { SipSettings } from '../settings.js';

export type Headers = [name: string, value: string][];

export const allow: Headers = [
  ['Allow', allowed],
  ['Allow-Events', Object.keys(packages).join(', ')],
];
export const retryLater: Headers = [['Retry-After', '60']];

/** @returns what a phone is told whose address has as many connections as it may; undefined where it asked nothing. */
export function tooManyConnections(bytes: Buffer, peer: Peer): string | undefined {
  const message = parseMessage(bytes);
  if (!message || !('request' in message) || message.request.method === 'ACK') return undefined;
  return responseTo(message.request, peer, 503, newTag(), retryLater);
}

/**
 * @returns how a SUBSCRIBE beyond its share is refused. A new one by 480: 503 would keep a phone system from sending anything here, for whichever
 * app, until then (RFC 3261 §21.5.4). One that renews by 500, since 480 would end what it renews (RFC 6665 §4.1.2.3): that goes on until it expires.
 */
export function tooManySubscriptions({ retryAfterSeconds = 1 }: ProblemError, isRenewal: boolean): { status: number; headers: Headers } {
  return { status: isRenewal ? 500 : 480, headers: [['Retry-After', String(retryAfterSeconds)]] };
}

/** @returns the URI of the user who is followed, as secure as the phone asked. */
export function localUriOf({ user, host, uri }: SipRequest): string {
  const plain = uriOf(user, host);
  return /^sips:/i.test(uri) ? plain.replace(/^sip:/, 'sips:') : plain;
}

/** What a SUBSCRIBE asks for. */
interface Wish {
  event: Package;
  /** In seconds; 0 to end it. */
  expires: number;
}

type Limits = Pick<SipSettings, 'MIN_EXPIRES_SECONDS' | 'MAX_EXPIRES_SECONDS'>;

/** @returns what is asked for, or how to refuse it (RFC 6665 §4.2.1). */
export function wishOf(request: SipRequest, limits: Limits): Wish | { status: number; headers: Headers } {
  const event = request.header('event')?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (!isPackage(event)) return { status: 489, headers: allow };
  const given = request.header('expires')?.trim() ?? String(limits.MAX_EXPIRES_SECONDS);
  if (!/^\d{1,10}$/.test(given)) return { status: 400, headers: [] };
  const asked = Number(given);
  const least = limits.MIN_EXPIRES_SECONDS;
  if (asked > 0 && asked < least) return { status: 423, headers: [['Min-Expires', String(least)]] };
  return { event, expires: Math.min(asked, limits.MAX_EXPIRES_SECONDS) };
}

/** Whether it can stand in the lines of a NOTIFY, and be kept: an unfolded URI, not the `*` that only REGISTER knows. */
export function isAddress(uri: string | undefined): uri is string {
  return uri !== undefined && uri.length <= 1024 && /^[a-z][a-z0-9+.-]*:[^\s<>\p{Cc}]+$/iu.test(uri.trim());
}

export function newTag(): string {
  return randomBytes(12).toString('hex');
}
