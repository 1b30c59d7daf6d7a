import { userOfKey } from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch, type Sql } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';

/** Answers "how is this user reached?" */
@Controller()
export class ContactsProjection {
  @ProjectEvents('contacts', { topics: ['directory.events'], pace: 'steady', tables: ['contacts'] })
  async apply({ events, tombstones, tx }: ProjectionBatch<'directory.events'>): Promise<void> {
    for (const event of events) {
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
    await erase(
      tx,
      tombstones.filter(({ isFollowed }) => !isFollowed).map(({ key }) => key),
    );
  }
}

/**
 * Whose key ended in the log is not reached any more, also where the event that said so is compacted away. The row counts
 * as one newer than what was known, so that nothing older brings the addresses back.
 */
async function erase(tx: Sql, keys: readonly string[]): Promise<void> {
  const users = keys.flatMap((key) => userOfKey(key) ?? []);
  if (users.length === 0) return;
  await tx.query(
    `UPDATE contacts SET name = NULL, email = NULL, locale = NULL, sequence = contacts.sequence + 1
     FROM unnest($1::text[], $2::text[]) AS gone(app_id, user_alias)
     WHERE contacts.app_id = gone.app_id AND contacts.user_alias = gone.user_alias
       AND (contacts.name IS NOT NULL OR contacts.email IS NOT NULL OR contacts.locale IS NOT NULL)`,
    [users.map(({ appId }) => appId), users.map(({ userAlias }) => userAlias)],
  );
}
