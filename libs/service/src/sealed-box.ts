import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { z } from 'zod';

/** The setting that holds the key of a {@link SealedBox}. */
export const secretsKeySetting = z
  .base64()
  .refine((text) => Buffer.from(text, 'base64').length === 32, { message: 'must be 32 bytes in base64' })
  .meta({ secret: true })
  .describe('32 bytes in base64 that seal secrets at rest (AES-256-GCM)');

const nonceBytes = 12;
const tagBytes = 16;

/** Keeps secrets that must be read back, sealed with AES-256-GCM (NIST SP 800-38D). */
export class SealedBox {
  readonly #key: Buffer;

  /** @param key 32 bytes in base64. */
  constructor(key: string) {
    this.#key = Buffer.from(key, 'base64');
  }

  /** @param owner what the secret belongs to, such as its row's id: bound in, so that it opens nowhere else. */
  seal(owner: string, secret: string): Buffer {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(owner));
    const text = Buffer.concat([cipher.update(secret), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), text]);
  }

  /** @throws Error when the key or the owner is not the one it was sealed with. */
  open(owner: string, sealed: Buffer): string {
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, nonceBytes)).setAAD(Buffer.from(owner));
    decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]).toString('utf8');
  }
}
