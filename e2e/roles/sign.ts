import { createPrivateKey, type KeyObject, sign } from 'node:crypto';

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A service's private key, as its setting has it. */
export type ServiceKey = object & { kid: string };

/** @returns a JWT with an EdDSA signature (RFC 8037), as services make them. @param key in place of the one that `kid` names. */
export function signedAs({ kid, ...jwk }: ServiceKey, claims: object, { typ, key }: { typ?: string; key?: KeyObject } = {}): string {
  const text = `${part({ alg: 'EdDSA', kid, ...(typ && { typ }) })}.${part(claims)}`;
  const by = key ?? createPrivateKey({ key: jwk as never, format: 'jwk' });
  return `${text}.${sign(null, Buffer.from(text), by).toString('base64url')}`;
}
