import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SipAlgorithm } from '@communication-center/contracts';
import type { KeyRing } from '@communication-center/service';

/** Digests of `user:realm:password`, per algorithm (RFC 7616 §3.4.2). */
export interface DigestSecrets {
  md5: string;
  sha256: string;
}

const secretOf = { MD5: 'md5', 'SHA-256': 'sha256' } as const satisfies Record<SipAlgorithm, keyof DigestSecrets>;

/** What a phone answered to a challenge. */
export interface DigestAnswer {
  username: string;
  realm: string;
  nonce: string;
  uri: string;
  response: string;
  algorithm: SipAlgorithm;
  cnonce: string;
  /** As it was sent: the response is made of these letters. */
  nc: string;
  /** The number in it: how often the phone has used the nonce, this time included. */
  count: number;
}

/** An answer is a tenth of this; nobody has signed in yet who sends one. */
const longestAnswer = 2048;

/** @returns the answer in an Authorization header; undefined for another scheme, an unknown algorithm, or one without `qop=auth`. */
export function parseAnswer(header: string | undefined): DigestAnswer | undefined {
  if (!header || header.length > longestAnswer || !/^digest\s/i.test(header)) return undefined;
  const fields = fieldsIn(header.slice(7));
  const named = (fields.get('algorithm') ?? 'MD5').toUpperCase();
  const algorithm = (Object.keys(secretOf) as SipAlgorithm[]).find((one) => one === named);
  const [username, realm, nonce, uri, response, cnonce, nc] = ['username', 'realm', 'nonce', 'uri', 'response', 'cnonce', 'nc'].map(
    (name) => fields.get(name),
  );
  if (!algorithm || fields.get('qop') !== 'auth' || !username || !realm || !nonce || !uri || !response || !cnonce || !nc) return undefined;
  if (!/^[\da-f]{1,8}$/i.test(nc)) return undefined;
  return { username, realm, nonce, uri, response, algorithm, cnonce, nc, count: Number.parseInt(nc, 16) };
}

/** A field, from where the one before ended: each letter is looked at once. */
const field = /[\s,]*([a-z]{1,32})[ \t]?=[ \t]?(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/iy;

/** @returns the fields of a digest (RFC 7235 §2.1) by their names in small letters, up to where it is none any more. */
function fieldsIn(digest: string): Map<string, string> {
  const fields = new Map<string, string>();
  const next = new RegExp(field);
  for (let found = next.exec(digest); found; found = next.exec(digest)) {
    const [, name = '', quoted, plain] = found;
    fields.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return fields;
}

/** Whether the answer proves the password, for this method. */
export function isRight(answer: DigestAnswer, secrets: DigestSecrets, method: string): boolean {
  const hash = (text: string) => createHash(answer.algorithm).update(text).digest('hex');
  const { nonce, nc, cnonce, uri, algorithm } = answer;
  const expected = hash(`${secrets[secretOf[algorithm]]}:${nonce}:${nc}:${cnonce}:auth:${hash(`${method}:${uri}`)}`);
  return timingSafeEqual(Buffer.from(hash(answer.response.toLowerCase())), Buffer.from(hash(expected)));
}

/** Nonces, no two alike, that need no memory to be known again: when they were made, what is theirs alone, and a signature over that and the realm, which names its key. */
export class Nonces {
  constructor(
    private readonly keys: KeyRing,
    private readonly seconds: number,
  ) {}

  make(realm: string, now: number): string {
    const made = `${Math.floor(now / 1000).toString(36)}.${randomBytes(9).toString('base64url')}`;
    return `${made}.${this.keys.sign(`${made} ${realm}`)}`;
  }

  /**
   * `stale`: it was ours, and its time is over, or it may be of a replica whose key is not here: the phone may try again with a new one and
   * the same password, without asking anybody for it.
   */
  check(nonce: string, realm: string, now: number): 'good' | 'stale' | 'wrong' {
    const [at = '', own, signature = '', ...more] = nonce.split('.');
    if (more.length > 0) return 'wrong';
    if (!this.keys.isSigned(`${at}.${own} ${realm}`, signature)) return this.keys.lacks(signature) ? 'stale' : 'wrong';
    return now / 1000 - Number.parseInt(at, 36) <= this.seconds ? 'good' : 'stale';
  }
}

/** What a 401 asks for. */
export interface Challenge {
  realm: string;
  nonce: string;
  /** Whether the phone may try again with the same password. */
  stale: boolean;
  /** The one that is wanted most comes first (RFC 8760 §2.4); many phones read that one alone. */
  algorithms: readonly SipAlgorithm[];
}

/**
 * @returns the challenges of a 401, one for each algorithm. Passwords are 144 random bits that the Center made, so that nobody guesses them
 * from a digest of either.
 */
export function challenges({ realm, nonce, stale, algorithms }: Challenge): [name: string, value: string][] {
  return algorithms.map((algorithm) => [
    'WWW-Authenticate',
    `Digest realm="${realm}", nonce="${nonce}", algorithm=${algorithm}, qop="auth"${stale ? ', stale=true' : ''}`,
  ]);
}

/** The parts of a SIP URI that say whom it asks (RFC 3261 §19.1.1); what comes after them says how. */
const whom = /^(sips?):(?:([^@]*)@)?(\[[^\]]*\]|[^:;?]+)(?::(\d+))?(?=[;?]|$)/i;

/**
 * Whether the uri a digest was made for is that of the request, so that a digest opens nothing but what its phone asked for (RFC 7616
 * §3.4.6). Parameters are not compared: proxies and phones write them into one of the two.
 */
export function isSameTarget(uri: string, other: string): boolean {
  const [one, two] = [uri, other].map((text) => {
    const [, scheme, user = '', host, port = ''] = whom.exec(text.trim()) ?? [];
    return host && [scheme, unescaped(user), host.toLowerCase(), port].join(' ').replace(/^sips?/i, (found) => found.toLowerCase());
  });
  return one !== undefined && one === two;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
