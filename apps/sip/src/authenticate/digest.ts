import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Digests of `user:realm:password`, per algorithm (RFC 7616 §3.4.2). */
export interface DigestSecrets {
  md5: string;
  sha256: string;
}

const algorithms = { md5: 'MD5', sha256: 'SHA-256' } as const;
type Algorithm = keyof typeof algorithms;

/** What a phone answered to a challenge. */
export interface DigestAnswer {
  username: string;
  realm: string;
  nonce: string;
  uri: string;
  response: string;
  algorithm: Algorithm;
  cnonce: string;
  nc: string;
}

/** An answer is a tenth of this; nobody has signed in yet who sends one. */
const longestAnswer = 2048;

/** @returns the answer in an Authorization header; undefined for another scheme, an unknown algorithm, or one without `qop=auth`. */
export function parseAnswer(header: string | undefined): DigestAnswer | undefined {
  if (!header || header.length > longestAnswer || !/^digest\s/i.test(header)) return undefined;
  const fields = fieldsIn(header.slice(7));
  const named = (fields.get('algorithm') ?? 'MD5').toUpperCase();
  const algorithm = (Object.keys(algorithms) as Algorithm[]).find((one) => algorithms[one] === named);
  const [username, realm, nonce, uri, response, cnonce, nc] = ['username', 'realm', 'nonce', 'uri', 'response', 'cnonce', 'nc'].map(
    (name) => fields.get(name),
  );
  if (!algorithm || fields.get('qop') !== 'auth' || !username || !realm || !nonce || !uri || !response || !cnonce || !nc) return undefined;
  return { username, realm, nonce, uri, response, algorithm, cnonce, nc };
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
  const expected = hash(`${secrets[algorithm]}:${nonce}:${nc}:${cnonce}:auth:${hash(`${method}:${uri}`)}`);
  return timingSafeEqual(Buffer.from(hash(answer.response.toLowerCase())), Buffer.from(hash(expected)));
}

/** Nonces that need no memory: when they were made, and a signature over that and the realm. */
export class Nonces {
  constructor(
    private readonly key: Buffer,
    private readonly seconds: number,
  ) {}

  make(realm: string, now: number): string {
    const made = Math.floor(now / 1000).toString(36);
    return `${made}.${this.#sign(made, realm)}`;
  }

  /** `stale`: it was ours, and its time is over: the phone may try again with a new one and the same password. */
  check(nonce: string, realm: string, now: number): 'good' | 'stale' | 'wrong' {
    const [made, signature] = nonce.split('.');
    if (!made || signature !== this.#sign(made, realm)) return 'wrong';
    return now / 1000 - Number.parseInt(made, 36) <= this.seconds ? 'good' : 'stale';
  }

  #sign(made: string, realm: string): string {
    return createHmac('sha256', this.key).update(`${made} ${realm}`).digest('base64url').slice(0, 32);
  }
}

/**
 * @returns the challenges of a 401. MD5 comes first, against RFC 8760 §2.4: many phones read the first one alone. The passwords are
 * 144 random bits that the Center made, so that nobody guesses them from a digest.
 */
export function challenges(realm: string, nonce: string, stale: boolean): [name: string, value: string][] {
  return (['md5', 'sha256'] as const).map((algorithm) => [
    'WWW-Authenticate',
    `Digest realm="${realm}", nonce="${nonce}", algorithm=${algorithms[algorithm]}, qop="auth"${stale ? ', stale=true' : ''}`,
  ]);
}
