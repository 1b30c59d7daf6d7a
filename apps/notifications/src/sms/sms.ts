import type { AppId } from '@communication-center/contracts';
import { type LineLog, Log } from '@communication-center/service';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { SendOutcome } from '../domain/mail-outcome.js';
import { SmppChannel, type SmsLetter } from './smpp-channel.js';
import { TwilioChannel } from './twilio-channel.js';

/** Through what an app sends SMS, as it was saved at one time. */
export interface SmsServer {
  provider: 'smpp' | 'twilio';
  version: string;
}

/** Hands SMS over, to an app's own SMSC or its account at Twilio. */
@Injectable()
export class Sms implements OnApplicationShutdown {
  constructor(
    private readonly smpp: SmppChannel,
    private readonly twilio: TwilioChannel,
    @Inject(Log) private readonly log: LineLog,
  ) {}

  /** @returns what became of it: never throws. */
  async send(appId: AppId, letter: SmsLetter, { provider, version }: SmsServer): Promise<SendOutcome> {
    const outcome = await (provider === 'smpp' ? this.smpp : this.twilio).send(appId, letter, version);
    // Why not is in the row alone: it may name the number.
    this.log.info({ notificationId: letter.notificationId, provider, outcome: outcome.outcome }, 'handed an SMS over');
    return outcome;
  }

  /** Signs in, without sending anything. @returns undefined where the app has none. */
  verify(appId: AppId, provider: SmsServer['provider']): Promise<SendOutcome | undefined> {
    return provider === 'smpp' ? this.smpp.verify(appId) : this.twilio.verify(appId);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.twilio.close();
  }
}
