import parsip from 'parsip';
import { textOf } from './message-bounds.js';

export type Transport = 'udp' | 'tcp' | 'tls';

/** Where a message came from, and answers go: the source address (RFC 3581), or the connection. */
export interface Peer {
  transport: Transport;
  host: string;
  port: number;
}

export interface SipRequest {
  method: string;
  /** User and host of the request URI, percent-decoded (RFC 3261 §19.1.2). */
  user: string;
  host: string;
  uri: string;
  callId: string;
  cseq: number;
  fromTag: string;
  toTag: string | undefined;
  branch: string;
  header(name: string): string | undefined;
  /** Every value of a header, in order. */
  headers(name: string): string[];
}

export interface SipResponse {
  status: number;
  callId: string;
  cseq: number;
  branch: string;
}

type Message = { request: SipRequest } | { response: SipResponse };

/** No phone names a call, a branch or itself at such length; a subscription is kept under these. */
const longestName = 512;
/** RFC 3261 §8.1.1.5. */
const mostCseq = 2 ** 31;

/** @returns a request, a response, or undefined for what is neither (RFC 3261 §18.3: it is dropped). Never throws. */
export function parseMessage(bytes: Buffer): Message | undefined {
  const text = textOf(bytes);
  if (text === undefined) return undefined;
  try {
    return read(text);
  } catch {
    // The parser throws at much that only looks like SIP, such as a Contact of * or a URI with a broken escape.
    return undefined;
  }
}

/** `Contact: *` takes back all registrations (RFC 3261 §10.2.2): no address, at which the parser throws. The first line is no header. */
const anyContact = /(?<=\r\n)(?:contact|m)[ \t]?:[ \t]?\*\r\n/gi;

function read(text: string): Message | undefined {
  const parsed = parsip.getSIP(text.replace(anyContact, ''));
  if (!parsed?.call_id || !parsed.via_branch || !parsed.from_tag) return undefined;
  const { call_id: callId, cseq, via_branch: branch } = parsed;
  const names = [callId, branch, parsed.from_tag, parsed.to_tag ?? ''];
  if (names.some((name) => name.length > longestName) || !Number.isInteger(cseq) || cseq < 0 || cseq >= mostCseq) return undefined;
  if (parsed.status_code !== undefined) return { response: { status: parsed.status_code, callId, cseq, branch } };
  if (!parsed.method || !parsed.ruri) return undefined;
  const headers = (name: string) => (parsed.headers[capitalised(name)] ?? []).map(({ raw }) => raw);
  const user = decoded(parsed.ruri.user ?? '');
  if (user === undefined) return undefined;
  return {
    request: {
      method: parsed.method,
      user,
      host: parsed.ruri.host,
      uri: parsed.ruri.toString(),
      callId,
      cseq,
      fromTag: parsed.from_tag,
      toTag: parsed.to_tag,
      branch,
      headers,
      header: (name) => headers(name)[0],
    },
  };
}

function decoded(user: string): string | undefined {
  try {
    return decodeURIComponent(user);
  } catch {
    return undefined;
  }
}

/** The parser files headers under names such as Call-ID, CSeq and Allow-Events. */
function capitalised(name: string): string {
  if (/^cseq$/i.test(name)) return 'CSeq';
  return name
    .toLowerCase()
    .replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
    .replace(/-Id$/, '-ID')
    .replace(/^Www-/, 'WWW-');
}

/** @returns the URI in a Contact, From or To, as it stands there (RFC 3261 §20.10). */
export function uriIn(header: string | undefined): string | undefined {
  const start = header?.indexOf('<') ?? -1;
  if (header === undefined || start < 0) return header?.split(';', 1)[0];
  const end = header.indexOf('>', start);
  return end < 0 ? undefined : header.slice(start + 1, end);
}

const reasons: Record<number, string> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  403: 'Forbidden',
  423: 'Interval Too Brief',
  480: 'Temporarily Unavailable',
  481: 'Subscription Does Not Exist',
  489: 'Bad Event',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
};

/** @returns an answer to a request (RFC 3261 §8.2.6), to be sent to where it came from. */
export function responseTo(
  request: SipRequest,
  peer: Peer,
  status: number,
  toTag: string,
  more: [name: string, value: string][] = [],
): string {
  const [top, ...below] = request.headers('via');
  const to = request.header('to') ?? '';
  return serialise(`SIP/2.0 ${status} ${reasons[status] ?? 'Answer'}`, [
    ['Via', `${(top ?? '').replace(/;rport(=\d*)?/i, '')};received=${peer.host};rport=${peer.port}`],
    ...below.map((via): [string, string] => ['Via', via]),
    ['From', request.header('from') ?? ''],
    ['To', request.toTag ? to : `${to};tag=${toTag}`],
    ['Call-ID', request.callId],
    ['CSeq', `${request.cseq} ${request.method}`],
    ...more,
  ]);
}

/** @returns a message as it goes over the wire. @throws Error for a value that would break out of its line. */
export function serialise(firstLine: string, headers: [name: string, value: string][], body = ''): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  const all = [firstLine, ...lines, `Content-Length: ${Buffer.byteLength(body)}`];
  if (all.some((line) => /[\r\n]/.test(line))) throw new Error('A line break in a SIP header');
  return `${all.join('\r\n')}\r\n\r\n${body}`;
}
