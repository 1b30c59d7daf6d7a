import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { type Key, type KeyRing, keyRingSetting } from './key-ring.js';

/** The setting that holds the keys of a {@link SealedBox}. */
export const secretsKeySetting = keyRingSetting(32).describe(
  '32 bytes in base64 that seal secrets at rest (AES-256-GCM), with an id before them, such as 2026-11:…; of several, separated by commas, the first seals and each opens',
);

/** A value that no key here opens: the key is not here yet, or was taken out too early. Nothing else is wrong with it. */
export class UnopenedError extends Error {
  override name = 'UnopenedError';
}

/** What a value begins with that names its key: so many bytes that no random nonce ever begins so. */
const mark = Buffer.from('cck1');
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Keeps secrets that must be read back, sealed with AES-256-GCM (NIST SP 800-38D). What is sealed names its key, where the setting names
 * it: a key without an id seals as the first release did, which takes no key with an id, and may still run beside this one.
 */
export class SealedBox {
  constructor(private readonly keys: KeyRing) {}

  /** @param owner what the secret belongs to, such as its row's id: bound in, so that it opens nowhere else. */
  seal(owner: string, secret: string): Buffer {
    const { current } = this.keys;
    const header = headerOf(current);
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', current.bytes, nonce).setAAD(Buffer.concat([header, Buffer.from(owner)]));
    const text = Buffer.concat([cipher.update(secret), cipher.final()]);
    return Buffer.concat([header, nonce, cipher.getAuthTag(), text]);
  }

  /**
   * @returns what was sealed. A replica may know the same key by another id, or by none yet, so that each key is tried after the one named.
   * @throws UnopenedError when no key here, or another owner's, sealed it. It names the key that lacks.
   */
  open(owner: string, sealed: Buffer): string {
    const { id, header } = namedIn(sealed);
    const named = id === undefined ? undefined : this.keys.byId(id);
    for (const key of [...(named ? [named] : []), ...this.keys.all]) {
      const opened = opens(key, sealed.subarray(header.length), Buffer.concat([header, Buffer.from(owner)]));
      if (opened !== undefined) return opened;
    }
    const which =
      id === undefined || named ? 'none of the keys here sealed it for this owner' : `the key ${id}, which it names, is not here`;
    throw new UnopenedError(`A secret does not open: ${which}`);
  }
}

/** @returns what everything begins with that a key seals; nothing for one without an id. */
export function headerOf({ id, isNamed }: Key): Buffer {
  if (!isNamed) return Buffer.alloc(0);
  const name = Buffer.from(id);
  return Buffer.concat([mark, Buffer.of(name.length), name]);
}

function namedIn(sealed: Buffer): { id?: string; header: Buffer } {
  if (!sealed.subarray(0, mark.length).equals(mark)) return { header: Buffer.alloc(0) };
  const header = sealed.subarray(0, mark.length + 1 + (sealed[mark.length] ?? 0));
  return { id: header.subarray(mark.length + 1).toString(), header };
}

/** @returns undefined for what that key has not sealed so. */
function opens({ bytes }: Key, sealed: Buffer, bound: Buffer): string | undefined {
  if (sealed.length < nonceBytes + tagBytes) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', bytes, sealed.subarray(0, nonceBytes)).setAAD(bound);
  decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}
