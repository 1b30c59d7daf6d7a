import type { AppId, UserAlias } from '@communication-center/contracts';
import { Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { SealedLinks } from '../sealed-links.js';
import type { NotificationsSettings } from '../settings.js';

/** The links in e-mails by which their receivers are told by e-mail no more (RFC 8058). */
@Injectable()
export class UnsubscribeLinks {
  readonly #links: SealedLinks;

  constructor(@Inject(Settings) settings: Pick<NotificationsSettings, 'SECRETS_KEY' | 'PUBLIC_URL'>) {
    this.#links = new SealedLinks(settings, 'unsubscribe', '/v1/unsubscribe');
  }

  /** @returns undefined where nobody has said where the gateway is reached. */
  linkFor(appId: AppId, userAlias: UserAlias): string | undefined {
    return this.#links.linkFor([appId, userAlias]);
  }

  /** @returns whom a link is for; undefined for what is none of ours, or is of a key that was taken out since. */
  whose(token: string): { appId: AppId; userAlias: UserAlias } | undefined {
    const [appId, userAlias] = this.#links.read(token) ?? [];
    return appId === undefined || userAlias === undefined ? undefined : { appId: appId as AppId, userAlias: userAlias as UserAlias };
  }
}
