import { SealedBox, UnopenedError } from '@communication-center/service';
import { z } from 'zod';
import type { NotificationsSettings } from './settings.js';

/** Nonce, tag and something in it. */
const shortest = 30;
const namedSchema = z.tuple([z.string(), z.string()]);

/** Links through the gateway that are a credential by themselves: what each is about is sealed in it, and nothing is kept for them. */
export class SealedLinks {
  readonly #box: SealedBox;

  /** @param owner what the links are for: one of another purpose is none. @param path of the public API, before the token. */
  constructor(
    private readonly settings: Pick<NotificationsSettings, 'SECRETS_KEY' | 'PUBLIC_URL'>,
    private readonly owner: string,
    private readonly path: string,
  ) {
    this.#box = new SealedBox(settings.SECRETS_KEY);
  }

  /** @returns undefined where nobody has said where the gateway is reached. */
  linkFor(about: readonly [string, string]): string | undefined {
    return this.urlOf(this.#box.seal(this.owner, JSON.stringify(about)).toString('base64url'));
  }

  /** @returns the link that a token is of. */
  urlOf(token: string): string | undefined {
    const { PUBLIC_URL } = this.settings;
    return PUBLIC_URL === undefined ? undefined : `${PUBLIC_URL.replace(/\/$/, '')}${this.path}/${token}`;
  }

  /** @returns what a link is about; undefined for what is none of ours, or is of a key that was taken out since. */
  read(token: string): [string, string] | undefined {
    const sealed = Buffer.from(token, 'base64url');
    if (sealed.length < shortest) return undefined;
    try {
      return namedSchema.parse(JSON.parse(this.#box.open(this.owner, sealed)));
    } catch (error) {
      if (error instanceof UnopenedError || error instanceof RangeError || error instanceof SyntaxError || error instanceof z.ZodError)
        return undefined;
      throw error;
    }
  }
}
