import { Identity, ServiceClient, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { GatewaySettings } from './settings.js';

/** The services behind the door, each with connections that are kept. */
@Injectable()
export class Services {
  readonly directory: ServiceClient;
  readonly calls: ServiceClient;
  readonly #urls: Record<string, string>;

  constructor(identity: Identity, @Inject(Settings) settings: GatewaySettings) {
    this.#urls = {
      directory: settings.DIRECTORY_URL,
      calls: settings.CALLS_URL,
      presence: settings.PRESENCE_URL,
      webhooks: settings.WEBHOOKS_URL,
      notifications: settings.NOTIFICATIONS_URL,
      media: settings.MEDIA_URL,
    };
    this.directory = new ServiceClient(identity, 'directory', settings.DIRECTORY_URL);
    this.calls = new ServiceClient(identity, 'calls', settings.CALLS_URL);
  }

  /** @returns where a service answers; undefined for a name that is none. */
  urlOf(service: string): string | undefined {
    return this.#urls[service];
  }
}
