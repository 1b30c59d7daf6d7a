import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';

/** A key, and the id by which what was made with it names it. */
export interface Key {
  id: string;
  bytes: Buffer;
  /** Whether its setting names it; the id of another one is told by the key itself. */
  isNamed: boolean;
}

/** An id before a key, `2026-11:…`. */
const named = /^([a-z0-9][a-z0-9_-]{0,15}):(.*)$/s;

/** Of a signature's 32 bytes so many are kept: nobody guesses 192 bits. */
const signatureBytes = 24;

/** The keys of one purpose: the first is used, and what the others made is still believed. */
export class KeyRing {
  readonly current: Key;
  readonly #byId: ReadonlyMap<string, Key>;

  /** @throws RangeError without a key. */
  constructor(keys: readonly (Pick<Key, 'bytes'> & { id?: string | undefined })[]) {
    const all = keys.map(({ id, bytes }) => ({ id: id ?? idOf(bytes), bytes, isNamed: id !== undefined }));
    if (!all[0]) throw new RangeError('A ring has one key at least');
    this.current = all[0];
    this.#byId = new Map(all.map((key) => [key.id, key]));
  }

  /** @param text keys in base64, the one in use first, separated by commas, each with an id before it or without: `2026-11:…,2025-12:…`. */
  static parse(text: string): KeyRing {
    return new KeyRing(secretsIn(text).map(({ id, secret }) => ({ id, bytes: Buffer.from(secret, 'base64') })));
  }

  get all(): Key[] {
    return [...this.#byId.values()];
  }

  byId(id: string): Key | undefined {
    return this.#byId.get(id);
  }

  /** @returns a signature over a text, which names its key: `2026-11:…`. A key without an id names none, as in the first release. */
  sign(text: string): string {
    const { current } = this;
    return current.isNamed ? `${current.id}:${macOf(current, text)}` : macOf(current, text);
  }

  /** Whether a signature names a key that is not here: whoever has it may have signed, or anybody who made that up. */
  lacks(signature: string): boolean {
    const [, id] = named.exec(signature) ?? [];
    return id !== undefined && !this.#byId.has(id);
  }

  /** Whether one of these keys made this signature over that text. Another replica may know a key by another id, or by none yet. */
  isSigned(text: string, signature: string): boolean {
    const [, id, mac = signature] = named.exec(signature) ?? [];
    const key = id === undefined ? undefined : this.#byId.get(id);
    const given = Buffer.from(mac);
    return (key ? [key] : this.all).some((one) => {
      const expected = Buffer.from(macOf(one, text));
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  }
}

/**
 * The setting of a {@link KeyRing}.
 * @param bytes what each key has, exactly, or with `orMore` at least.
 */
export function keyRingSetting(bytes: number, { orMore = false } = {}) {
  const isKey = ({ secret }: { secret: string }) => {
    const { length } = Buffer.from(secret, 'base64');
    return z.base64().safeParse(secret).success && (orMore ? length >= bytes : length === bytes);
  };
  return z
    .string()
    .refine((text) => secretsIn(text).every(isKey), {
      message: `must be ${orMore ? 'at least ' : ''}${bytes} bytes in base64, or several of these, separated by commas, each with an id such as 2026-11: before it`,
    })
    .refine((text) => isEachAnother(secretsIn(text).map(({ id }) => id)), { message: 'each of several keys must have an id of its own' })
    .transform((text) => KeyRing.parse(text))
    .meta({ secret: true, isList: true });
}

/** @returns the parts of a setting that lists secrets, the first one first, each with the id that stands before it. */
export function secretsIn(text: string): { id?: string | undefined; secret: string }[] {
  return text.split(',').map((part) => {
    const [, id, secret = part.trim()] = named.exec(part.trim()) ?? [];
    return { id, secret };
  });
}

/** One alone needs no id; of several one may be without, which was there before keys had any. */
function isEachAnother(ids: readonly (string | undefined)[]): boolean {
  return new Set(ids).size === ids.length;
}

/** Tells nothing of a key that is random: 32 bits of a digest of its own kind. */
function idOf(key: Buffer): string {
  return createHash('sha256').update('communication-center key id\0').update(key).digest('hex').slice(0, 8);
}

function macOf({ bytes }: Key, text: string): string {
  return createHmac('sha256', bytes).update(text).digest().subarray(0, signatureBytes).toString('base64url');
}
