import type { AppId, UserAlias } from '@communication-center/contracts';
import { SealedBox, Settings, UnopenedError } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { NotificationsSettings } from '../settings.js';

const owner = 'unsubscribe';
/** Nonce, tag and something in it. */
const shortest = 30;
const namedSchema = z.tuple([z.string(), z.string()]);

/** The links in e-mails by which their receivers are told by e-mail no more (RFC 8058). Who is meant is sealed in them: nothing is kept for them. */
@Injectable()
export class UnsubscribeLinks {
  readonly #box: SealedBox;

  constructor(@Inject(Settings) private readonly settings: Pick<NotificationsSettings, 'SECRETS_KEY' | 'PUBLIC_URL'>) {
    this.#box = new SealedBox(settings.SECRETS_KEY);
  }

  /** @returns undefined where nobody has said where the gateway is reached. */
  linkFor(appId: AppId, userAlias: UserAlias): string | undefined {
    const { PUBLIC_URL } = this.settings;
    if (PUBLIC_URL === undefined) return undefined;
    const token = this.#box.seal(owner, JSON.stringify([appId, userAlias])).toString('base64url');
    return `${PUBLIC_URL.replace(/\/$/, '')}/v1/unsubscribe/${token}`;
  }

  /** @returns whom a link is for; undefined for what is none of ours, or is of a key that was taken out since. */
  whose(token: string): { appId: AppId; userAlias: UserAlias } | undefined {
    const sealed = Buffer.from(token, 'base64url');
    if (sealed.length < shortest) return undefined;
    try {
      const [appId, userAlias] = namedSchema.parse(JSON.parse(this.#box.open(owner, sealed)));
      return { appId: appId as AppId, userAlias: userAlias as UserAlias };
    } catch (error) {
      if (error instanceof UnopenedError || error instanceof RangeError || error instanceof SyntaxError || error instanceof z.ZodError)
        return undefined;
      throw error;
    }
  }
}
