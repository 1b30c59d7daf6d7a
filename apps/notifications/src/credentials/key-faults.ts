import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { PushCredential } from '../domain/credential-facts.js';

/** @returns the field of the body that holds no key of the kind its provider takes, and why; undefined where all is well. */
export function faultOfKey(credential: PushCredential): { field: string; message: string } | undefined {
  if (credential.provider === 'apns' && !isKey(credential.key, 'ec', 'prime256v1'))
    return { field: 'key', message: 'this is no P-256 key in PEM, as a .p8 file has it' };
  if (credential.provider === 'fcm' && !isKey(credential.privateKey, 'rsa'))
    return { field: 'serviceAccount.private_key', message: 'this is no RSA key in PEM' };
  if (credential.provider === 'web_push' && publicKeyOf(credential.privateKey) !== credential.publicKey.replaceAll('=', ''))
    return { field: 'keys', message: 'the public key is not that of the private key (P-256, both in base64url)' };
  return undefined;
}

function isKey(pem: string, type: 'ec' | 'rsa', curve?: string): boolean {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(pem);
    return asymmetricKeyType === type && (curve === undefined || asymmetricKeyDetails?.namedCurve === curve);
  } catch {
    return false;
  }
}

/** @returns the uncompressed point of a VAPID key in base64url; undefined for what is none. */
function publicKeyOf(privateKey: string): string | undefined {
  const d = Buffer.from(privateKey, 'base64url');
  if (d.length !== 32) return undefined;
  try {
    // SEC 1 without the public part: Node works it out.
    const der = Buffer.concat([Buffer.from('30310201010420', 'hex'), d, Buffer.from('a00a06082a8648ce3d030107', 'hex')]);
    const { x = '', y = '' } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'sec1' })).export({ format: 'jwk' });
    return pointOf(x, y);
  } catch {
    return undefined;
  }
}

const pointOf = (x: string, y: string) =>
  Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]).toString('base64url');

/** @returns a new VAPID pair in base64url (RFC 8292). */
export function newVapidPair(): { publicKey: string; privateKey: string } {
  const { x = '', y = '', d = '' } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ format: 'jwk' });
  return { publicKey: pointOf(x, y), privateKey: d };
}
