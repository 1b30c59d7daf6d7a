import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type KeyRing, keyIdBytes, keyRingSetting, type NamedKey } from './key-ring.js';

/** The setting that holds the keys of a {@link SealedBox}. */
export const secretsKeySetting = keyRingSetting(32).describe(
  '32 bytes in base64 that seal secrets at rest (AES-256-GCM); of several, separated by commas, the first seals and each opens',
);

/** Stands before the id of the key; what was sealed before keys had ids begins with its nonce. */
const form = 1;
const headerBytes = 1 + keyIdBytes;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Keeps secrets that must be read back, sealed with AES-256-GCM (NIST SP 800-38D). What is sealed names its key. What was sealed before
 * that was so opens with whichever key it was sealed with.
 */
export class SealedBox {
  constructor(private readonly keys: KeyRing) {}

  /** @param owner what the secret belongs to, such as its row's id: bound in, so that it opens nowhere else. */
  seal(owner: string, secret: string): Buffer {
    const { current } = this.keys;
    const header = headerOf(current.id);
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', current.bytes, nonce).setAAD(Buffer.concat([header, Buffer.from(owner)]));
    const text = Buffer.concat([cipher.update(secret), cipher.final()]);
    return Buffer.concat([header, nonce, cipher.getAuthTag(), text]);
  }

  /** @throws Error when no key here, or another owner's, sealed it. It names the key that lacks. */
  open(owner: string, sealed: Buffer): string {
    const id = namedIn(sealed);
    const key = id === undefined ? undefined : this.keys.byId(id);
    const header = sealed.subarray(0, headerBytes);
    const opened = key && opens(key, sealed.subarray(headerBytes), Buffer.concat([header, Buffer.from(owner)]));
    if (opened !== undefined) return opened;
    // A nonce may begin as a header does, so this is tried whatever the first bytes are: nothing opens that was not sealed so.
    for (const one of this.keys.all) {
      const before = opens(one, sealed, Buffer.from(owner));
      if (before !== undefined) return before;
    }
    const which = id === undefined || key ? 'none of the keys here sealed it for this owner' : `the key ${id}, which it names, is not here`;
    throw new Error(`A secret does not open: ${which}`);
  }
}

/** @returns what everything begins with that a key has sealed. */
export function headerOf(keyId: string): Buffer {
  return Buffer.concat([Buffer.of(form), Buffer.from(keyId, 'hex')]);
}

function namedIn(sealed: Buffer): string | undefined {
  return sealed[0] === form ? sealed.subarray(1, headerBytes).toString('hex') : undefined;
}

/** @returns undefined for what that key has not sealed so. */
function opens({ bytes }: NamedKey, sealed: Buffer, bound: Buffer): string | undefined {
  if (sealed.length < nonceBytes + tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', bytes, sealed.subarray(0, nonceBytes)).setAAD(bound);
  decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
