import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** A key, and the name by which what was made with it names it. */
export interface NamedKey {
  id: string;
  bytes: Buffer;
}

/** Bytes of a key's id; twice as many digits in text. */
export const keyIdBytes = 4;

/** Of a signature's 32 bytes so many are kept: nobody guesses 192 bits. */
const signatureBytes = 24;

/**
 * The keys of one purpose: the first is used, and what the others made is still believed. A key's id is told by the key itself, so
 * that nobody has to think of one, and no two keys can be taken for each other.
 */
export class KeyRing {
  readonly current: NamedKey;
  readonly #byId: ReadonlyMap<string, NamedKey>;

  /** @throws RangeError without a key. */
  constructor(keys: readonly Buffer[]) {
    const named = keys.map((bytes) => ({ id: idOf(bytes), bytes }));
    if (!named[0]) throw new RangeError('A ring has one key at least');
    this.current = named[0];
    this.#byId = new Map(named.map((key) => [key.id, key]));
  }

  /** @param text keys in base64, the one in use first, separated by commas. */
  static parse(text: string): KeyRing {
    return new KeyRing(partsOf(text).map((part) => Buffer.from(part, 'base64')));
  }

  get all(): NamedKey[] {
    return [...this.#byId.values()];
  }

  byId(id: string): NamedKey | undefined {
    return this.#byId.get(id);
  }

  /** @returns a signature over a text, which names its key: `3f9a2c11.…`. */
  sign(text: string): string {
    return `${this.current.id}.${macOf(this.current, text)}`;
  }

  /** Whether one of these keys made this signature over that text. */
  isSigned(text: string, signature: string): boolean {
    const [id = '', given = ''] = signature.split('.', 2);
    const key = this.#byId.get(id);
    if (!key || signature.length !== id.length + 1 + given.length) return false;
    const expected = Buffer.from(macOf(key, text));
    const bytes = Buffer.from(given);
    return bytes.length === expected.length && timingSafeEqual(bytes, expected);
  }
}

/**
 * The setting of a {@link KeyRing}.
 * @param bytes what each key has, exactly, or with `orMore` at least.
 */
export function keyRingSetting(bytes: number, { orMore = false } = {}) {
  const isKey = (part: string) => {
    const { length } = Buffer.from(part, 'base64');
    return z.base64().safeParse(part).success && (orMore ? length >= bytes : length === bytes);
  };
  return z
    .string()
    .refine((text) => partsOf(text).every(isKey), {
      message: `must be ${orMore ? 'at least ' : ''}${bytes} bytes in base64, or several of these, separated by commas`,
    })
    .transform((text) => KeyRing.parse(text))
    .meta({ secret: true, isList: true });
}

/** @returns the parts of a setting that lists secrets, the first one first. */
export function partsOf(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}

/** Tells nothing of a key that is random: 32 bits of a digest of its own kind. */
function idOf(key: Buffer): string {
  return createHash('sha256')
    .update('communication-center key id\0')
    .update(key)
    .digest('hex')
    .slice(0, 2 * keyIdBytes);
}

function macOf({ bytes }: NamedKey, text: string): string {
  return createHmac('sha256', bytes).update(text).digest().subarray(0, signatureBytes).toString('base64url');
}
