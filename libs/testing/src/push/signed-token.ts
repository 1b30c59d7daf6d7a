import { type KeyObject, verify } from 'node:crypto';

/** The parts of a JWT (RFC 7519). */
export interface SignedToken {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  isSignedBy: (key: KeyObject) => boolean;
}

/** @returns undefined for what is none. */
export function readToken(text: string): SignedToken | undefined {
  const parts = text.split('.');
  const [header = '', claims = '', signature = ''] = parts;
  if (parts.length !== 3) return undefined;
  try {
    return {
      header: JSON.parse(Buffer.from(header, 'base64url').toString()),
      claims: JSON.parse(Buffer.from(claims, 'base64url').toString()),
      isSignedBy: (key) =>
        verify('sha256', Buffer.from(`${header}.${claims}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')),
    };
  } catch {
    return undefined;
  }
}
