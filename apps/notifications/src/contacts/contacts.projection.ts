import { directoryEventSchema } from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';

/** Answers "how is this user reached?" */
@Controller()
export class ContactsProjection {
  @ProjectEvents('contacts', { topics: ['directory.events'], tables: ['contacts'] })
  async apply({ events, tx }: ProjectionBatch): Promise<void> {
    for (const event of events.map((one) => directoryEventSchema.parse(one))) {
      if (event.type === 'app.saved') continue;
      const contact = event.type === 'user.saved' ? event.data : { ...event.data, name: null, email: null, locale: null };
      await tx.query(
        `INSERT INTO contacts (app_id, user_alias, sequence, name, email, locale) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (app_id, user_alias) DO UPDATE
         SET sequence = excluded.sequence, name = excluded.name, email = excluded.email, locale = excluded.locale
         WHERE contacts.sequence < excluded.sequence`,
        [event.appid, contact.userAlias, event.sequence, contact.name, contact.email, contact.locale],
      );
    }
  }
}
