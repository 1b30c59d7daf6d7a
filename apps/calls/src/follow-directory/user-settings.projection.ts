import { type DirectoryEvent, userOfKey } from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch, type Sql } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { closeApp, letAppBe } from '../close-apps/closing-apps.js';
import { lockLines, type Person, takeOutDeleted } from './deleted-users.js';
import { endUserSettings, saveApp, saveUserSettings } from './user-settings.js';

/** Keeps what the decider must know of users and apps: who exists, who wants no rings, and the app's limits. */
@Controller()
export class UserSettingsProjection {
  @ProjectEvents('user-settings', { topics: ['directory.events'], tables: ['user_settings', 'app_options'] })
  async apply({ events, tombstones, tx, isRebuild }: ProjectionBatch<'directory.events'>): Promise<void> {
    const gone = [
      ...events.flatMap(whoWasDeleted),
      ...tombstones.flatMap(({ key, isFollowed }) => (isFollowed ? [] : (userOfKey(key) ?? []))),
    ];
    if (!isRebuild) await lockLines(tx, gone);
    for (const event of events) {
      const { appid: appId, sequence } = event;
      if (event.type === 'app.saved') await this.#saveApp(tx, event, isRebuild);
      else {
        const { userAlias } = event.data;
        const deleted = event.type === 'user.deleted';
        await saveUserSettings(tx, appId, { userAlias, sequence, deleted, doNotDisturb: !deleted && event.data.doNotDisturb });
      }
    }
    await endUserSettings(
      tx,
      tombstones.filter(({ isFollowed }) => !isFollowed).map(({ key }) => key),
    );
    // What a rebuild folds again was acted on when it happened.
    if (!isRebuild) await takeOutDeleted(tx, gone);
  }

  async #saveApp(tx: Sql, { appid: appId, sequence, data }: AppSaved, isRebuild: boolean): Promise<void> {
    const isNews = await saveApp(tx, appId, { sequence, ...data });
    if (isNews && !isRebuild) await (data.state === 'active' ? letAppBe(tx, appId) : closeApp(tx, appId));
  }
}

type AppSaved = Extract<DirectoryEvent, { type: 'app.saved' }>;

function whoWasDeleted({ type, appid, data }: DirectoryEvent): Person[] {
  return type === 'user.deleted' ? [{ appId: appid, userAlias: data.userAlias }] : [];
}
