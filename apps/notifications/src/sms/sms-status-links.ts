import type { AppId } from '@communication-center/contracts';
import { Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { SealedLinks } from '../sealed-links.js';
import type { NotificationsSettings } from '../settings.js';

/** Where Twilio tells what became of an SMS. Only who got a link has anything read at all; what is said there counts by its signature. */
@Injectable()
export class SmsStatusLinks {
  readonly #links: SealedLinks;

  constructor(@Inject(Settings) settings: Pick<NotificationsSettings, 'SECRETS_KEY' | 'PUBLIC_URL'>) {
    this.#links = new SealedLinks(settings, 'sms-status', '/v1/sms-status');
  }

  /** @returns undefined where nobody has said where the gateway is reached. */
  linkFor(appId: AppId, notificationId: string): string | undefined {
    return this.#links.linkFor([appId, notificationId]);
  }

  /** @returns which SMS a token is for, and the link as Twilio signs it; undefined for what is none of ours. */
  whichOne(token: string): { appId: AppId; notificationId: string; url: string } | undefined {
    const [appId, notificationId] = this.#links.read(token) ?? [];
    const url = this.#links.urlOf(token);
    if (appId === undefined || notificationId === undefined || url === undefined) return undefined;
    return { appId: appId as AppId, notificationId, url };
  }
}
