import { type DirectoryEvent, userOfKey } from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch, type Sql } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { deletedIn, forgetUsers } from '../devices/forget-users.js';

/** Answers "how is this user reached?" */
@Controller()
export class ContactsProjection {
  @ProjectEvents('contacts', { topics: ['directory.events'], pace: 'steady', tables: ['contacts'] })
  async apply({ events, tombstones, tx, isRebuild }: ProjectionBatch<'directory.events'>): Promise<void> {
    await save(tx, events);
    const ended = tombstones.filter(({ isFollowed }) => !isFollowed).map(({ key }) => key);
    await erase(tx, ended);
    // Registrations and wishes are no projection: nothing in the log could bring them back.
    if (isRebuild) return;
    const gone = ended.flatMap((key) => userOfKey(key) ?? []).map((user) => ({ ...user, at: null }));
    await forgetUsers(tx, [...deletedIn(events), ...gone]);
  }
}

const nothing = { name: null, email: null, locale: null, phone: null, timeZone: null, doNotDisturb: null, groups: null };

/** Saves how users are reached, of each by the newest event, in one statement. */
async function save(tx: Sql, events: readonly DirectoryEvent[]): Promise<void> {
  const ofUsers = events.flatMap((event) => (event.type === 'app.saved' ? [] : [event]));
  if (ofUsers.length === 0) return;
  const newest = [...Map.groupBy(ofUsers, ({ subject }) => subject).values()].map((ofOne) =>
    ofOne.reduce((last, event) => (event.sequence > last.sequence ? event : last)),
  );
  const rows = newest.map((event) => {
    const { name, email, locale, phone, timeZone, doNotDisturb, groups } = event.type === 'user.saved' ? event.data : nothing;
    const told = { name, email, locale, phone, time_zone: timeZone, do_not_disturb: doNotDisturb, groups: groups?.length ? groups : null };
    return { app_id: event.appid, user_alias: event.data.userAlias, sequence: event.sequence, ...told };
  });
  await tx.query(
    `INSERT INTO contacts (app_id, user_alias, sequence, name, email, locale, phone, time_zone, do_not_disturb, groups)
     SELECT * FROM json_to_recordset($1) AS told(app_id text, user_alias text, sequence bigint, name text, email text, locale text,
       phone text, time_zone text, do_not_disturb boolean, groups text[])
     ORDER BY app_id, user_alias
     ON CONFLICT (app_id, user_alias) DO UPDATE
     SET sequence = excluded.sequence, name = excluded.name, email = excluded.email, locale = excluded.locale,
         phone = excluded.phone, time_zone = excluded.time_zone, do_not_disturb = excluded.do_not_disturb, groups = excluded.groups
     WHERE contacts.sequence < excluded.sequence`,
    [JSON.stringify(rows)],
  );
}

/**
 * Whose key ended in the log is not reached any more, also where the event that said so is compacted away. The row counts
 * as one newer than what was known, so that nothing older brings the addresses back.
 */
async function erase(tx: Sql, keys: readonly string[]): Promise<void> {
  const users = keys.flatMap((key) => userOfKey(key) ?? []);
  if (users.length === 0) return;
  await tx.query(
    `UPDATE contacts SET name = NULL, email = NULL, locale = NULL, phone = NULL, time_zone = NULL, do_not_disturb = NULL, groups = NULL, sequence = contacts.sequence + 1
     FROM unnest($1::text[], $2::text[]) AS gone(app_id, user_alias)
     WHERE contacts.app_id = gone.app_id AND contacts.user_alias = gone.user_alias
       AND num_nonnulls(contacts.name, contacts.email, contacts.locale, contacts.phone, contacts.time_zone, contacts.do_not_disturb, contacts.groups) > 0`,
    [users.map(({ appId }) => appId), users.map(({ userAlias }) => userAlias)],
  );
}
