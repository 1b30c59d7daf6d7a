import { createHash, timingSafeEqual } from 'node:crypto';
import { secretsIn } from '@communication-center/service';
import { z } from 'zod';

/** Who holds an operator's key; a key that stands without a name is simply the operator's. */
interface Holder {
  holder?: string;
}

const fewestCharacters = 32;

/** The operators' keys, each held by somebody: what is done with one is put on record in the holder's name. */
export class OperatorKeys {
  readonly #keys: readonly { by: Holder; digest: Buffer }[];

  constructor(keys: readonly (Holder & { key: string })[]) {
    this.#keys = keys.map(({ key, ...by }) => ({ by, digest: digestOf(key) }));
  }

  /** @returns whose key a credential is; undefined where it is none of these. Each is compared, so that none is found by the time it takes. */
  find(credential: string): Holder | undefined {
    const given = digestOf(credential);
    return this.#keys.filter(({ digest }) => timingSafeEqual(given, digest))[0]?.by;
  }
}

/** The setting of {@link OperatorKeys}. */
export const operatorKeySetting = z
  .string()
  .transform((text, context) => {
    const keys = secretsIn(text).map(({ id: holder, secret: key }) => ({ key, ...(holder !== undefined && { holder }) }));
    const fault = faultOf(keys);
    if (!fault) return new OperatorKeys(keys);
    context.addIssue({ code: 'custom', message: fault });
    return z.NEVER;
  })
  .meta({ secret: true, isList: true })
  .describe(
    'keys of those who run the Center, who make apps and their first keys: one, or for each holder a name and a key of at least 32 characters, such as anna:…,ben:…; what a holder does is on record under that name',
  );

function faultOf(keys: readonly (Holder & { key: string })[]): string | undefined {
  if (keys.some(({ key }) => key.length < fewestCharacters)) return `each key must have at least ${fewestCharacters} characters`;
  if (new Set(keys.map(({ key }) => key)).size < keys.length) return 'each holder must have another key';
  if (new Set(keys.map(({ holder }) => holder)).size < keys.length) return 'each key must have a holder of another name';
  return undefined;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
