import { type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { disabledIn } from './contact-letter.js';
import { ContactMails } from './contact-mails.js';

/** What is older than this, in milliseconds, is no news any more. */
const longestMs = 3 * 86_400_000;

/** Has the contacts of apps told of what is put on record that they should know: endpoints that the Center disabled. */
@Controller()
export class TellContact {
  constructor(private readonly mails: ContactMails) {}

  @ReactToEvents('tell-contact', { topics: ['audit.events'], pace: 'steady' })
  async tell({ events }: ReactionBatch<'audit.events'>): Promise<void> {
    const disabled = events.flatMap(({ appid: appId, time, data }) => {
      const found = disabledIn(data);
      const isNews = Date.now() - Date.parse(time) < longestMs;
      return found && isNews ? [{ ...found, entryId: data.entryId, appId, at: time }] : [];
    });
    if (disabled.length > 0) await this.mails.begin(disabled);
  }
}
