import { createHmac, createPrivateKey, generateKeyPairSync, KeyObject, randomBytes, sign } from 'node:crypto';

/** A kind of signature of Standard Webhooks: HMAC-SHA256, or Ed25519. */
export type SignatureKind = 'v1' | 'v1a';

/** What requests are signed with. */
export interface SigningSecret {
  /** `whsec_` and 32 random bytes in base64; or `whsk_`, and the 32 bytes of an Ed25519 seed with its public key after them. */
  text: string;
  /** When it signs no more, in milliseconds since 1970; null for the newest. */
  until: number | null;
}

const prefixes = { hmac: 'whsec_', privateKey: 'whsk_', publicKey: 'whpk_' };
const seedBytes = 32;
/** What stands before a seed where a key is written as PKCS #8 (RFC 8410 §7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

/** @returns a new secret of a kind. */
export function newSecret(kind: SignatureKind): string {
  if (kind === 'v1') return `${prefixes.hmac}${randomBytes(32).toString('base64')}`;
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return `${prefixes.privateKey}${Buffer.concat([d, x].map((part) => Buffer.from(part, 'base64url'))).toString('base64')}`;
}

export function kindOf(secret: string): SignatureKind {
  return secret.startsWith(prefixes.privateKey) ? 'v1a' : 'v1';
}

/** @returns `whpk_…`, by which signatures of `v1a` are verified; null for a secret of `v1`. */
export function publicKeyOf(secret: string): string | null {
  if (kindOf(secret) === 'v1') return null;
  return `${prefixes.publicKey}${bytesOf(secret, prefixes.privateKey).subarray(seedBytes).toString('base64')}`;
}

/** @returns one signature over what Standard Webhooks has signed: the id, the seconds and the body, with dots between. */
export function signatureOf(secret: SigningSecret, content: string): string {
  const key = keyOf(secret);
  return key instanceof KeyObject
    ? `v1a,${sign(null, Buffer.from(content), key).toString('base64')}`
    : `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}

/** A key is made of its secret once, as long as the endpoint is remembered. */
const keys = new WeakMap<SigningSecret, KeyObject | Buffer>();

function keyOf(secret: SigningSecret): KeyObject | Buffer {
  const known = keys.get(secret);
  if (known) return known;
  const made = kindOf(secret.text) === 'v1' ? bytesOf(secret.text, prefixes.hmac) : privateKeyOf(secret.text);
  keys.set(secret, made);
  return made;
}

function privateKeyOf(secret: string): KeyObject {
  const der = Buffer.concat([pkcs8Head, bytesOf(secret, prefixes.privateKey).subarray(0, seedBytes)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function bytesOf(secret: string, prefix: string): Buffer {
  return Buffer.from(secret.slice(prefix.length), 'base64');
}
