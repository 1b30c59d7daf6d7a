import type { PushProvider } from '@communication-center/contracts';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { ApnsChannel } from './apns-channel.js';
import { FcmChannel } from './fcm-channel.js';
import type { PushChannel } from './push-channel.js';
import { WebPushChannel } from './web-push-channel.js';

/** The channel of each provider. */
@Injectable()
export class PushChannels implements OnApplicationShutdown {
  readonly #all: Record<PushProvider, PushChannel>;

  constructor(apns: ApnsChannel, fcm: FcmChannel, webPush: WebPushChannel) {
    this.#all = { apns, fcm, web_push: webPush };
  }

  of(provider: PushProvider): PushChannel {
    return this.#all[provider];
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(Object.values(this.#all).map((channel) => channel.close()));
  }
}
