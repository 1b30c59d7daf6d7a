import { createHmac, createPublicKey, type KeyObject, timingSafeEqual, verify as verifySignature } from 'node:crypto';
import { WebhookError } from './webhook-error.js';

export { WebhookError, type WebhookErrorCode } from './webhook-error.js';

/** What the Center tells. An endpoint that chose CloudEvents gets `time` in place of `timestamp`, and attributes beside `data`. */
export interface WebhookMessage {
  type: string;
  timestamp: string;
  data: { appId: string; callId?: string; sequence: number; [name: string]: unknown };
}

/** The headers of a request: of the Fetch API, or as Node, Express, Fastify and Nest have them. */
export type ReceivedHeaders = { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface VerifyOptions {
  /** How far the clocks may be apart, in seconds; five minutes where left out. */
  toleranceSeconds?: number;
  /** Now, in milliseconds since 1970. */
  now?: number;
}

type Check = (signature: Buffer, content: Buffer) => boolean;

/** What stands before the 32 bytes of an Ed25519 public key (RFC 8410 §4). */
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex');
/** So many signatures of one delivery are looked at: more than secrets sign at a time. */
const mostSignatures = 20;

/**
 * Verifies a delivery as Standard Webhooks says (https://www.standardwebhooks.com), `v1` and `v1a`.
 * @param rawBody the body as it came, before anything parses it.
 * @param secrets `whsec_…`, or the public key `whpk_…`; several while one takes the place of another.
 * @returns the message. Its `webhook-id` is the same in every attempt: keep the ids, and handle each once.
 * @throws WebhookError whose `code` says why it is not to be believed.
 */
export function verify<T = WebhookMessage>(
  rawBody: string | Uint8Array,
  headers: ReceivedHeaders,
  secrets: string | readonly string[],
  { toleranceSeconds = 300, now = Date.now() }: VerifyOptions = {},
): T {
  if (typeof rawBody !== 'string' && !(rawBody instanceof Uint8Array)) throw new WebhookError('body_not_raw');
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => headerOf(headers, name));
  if (!id || !timestamp || !signatures) throw new WebhookError('header_missing');
  requireRecent(timestamp, now / 1000, toleranceSeconds);
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), Buffer.from(rawBody)]);
  const checks = [secrets].flat().map(checkOf);
  if (!isSigned(signatures, content, checks)) throw new WebhookError('signature_mismatch');
  try {
    return JSON.parse(Buffer.from(rawBody).toString('utf8')) as T;
  } catch {
    throw new WebhookError('body_malformed');
  }
}

function headerOf(headers: ReceivedHeaders, name: string): string | undefined {
  if (typeof headers.get === 'function') return headers.get(name) ?? undefined;
  const found = Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1];
  return typeof found === 'string' ? found : undefined;
}

function requireRecent(timestamp: string, nowSeconds: number, toleranceSeconds: number): void {
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookError('timestamp_malformed');
  const age = nowSeconds - Number(timestamp);
  if (age > toleranceSeconds) throw new WebhookError('timestamp_too_old');
  if (age < -toleranceSeconds) throw new WebhookError('timestamp_too_new');
}

function isSigned(signatures: string, content: Buffer, checks: readonly { version: string; check: Check }[]): boolean {
  return signatures
    .split(' ', mostSignatures)
    .map((one) => one.split(','))
    .some(([version, signature = '']) =>
      checks.some((one) => one.version === version && one.check(Buffer.from(signature, 'base64'), content)),
    );
}

/** @returns how one secret checks a signature, and of which version. */
function checkOf(secret: string): { version: string; check: Check } {
  if (secret.startsWith('whpk_')) {
    const key = publicKeyOf(bytesOf(secret, 'whpk_'));
    return { version: 'v1a', check: (signature, content) => verifySignature(null, content, key, signature) };
  }
  if (!secret.startsWith('whsec_')) throw new WebhookError('secret_malformed');
  const key = bytesOf(secret, 'whsec_');
  return {
    version: 'v1',
    check: (signature, content) => {
      const expected = createHmac('sha256', key).update(content).digest();
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    },
  };
}

function bytesOf(secret: string, prefix: string): Buffer {
  const bytes = Buffer.from(secret.slice(prefix.length), 'base64');
  if (bytes.length < 16) throw new WebhookError('secret_malformed');
  return bytes;
}

function publicKeyOf(bytes: Buffer): KeyObject {
  if (bytes.length !== 32) throw new WebhookError('secret_malformed');
  return createPublicKey({ key: Buffer.concat([spkiHead, bytes]), format: 'der', type: 'spki' });
}
