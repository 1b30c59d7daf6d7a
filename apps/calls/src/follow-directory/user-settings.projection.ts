import { ProjectEvents, type ProjectionBatch } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { endUserSettings, saveAppOptions, saveUserSettings } from './user-settings.js';

/** Keeps what the decider must know of users and apps: who exists, who wants no rings, and the app's limits. */
@Controller()
export class UserSettingsProjection {
  @ProjectEvents('user-settings', { topics: ['directory.events'], tables: ['user_settings', 'app_options'] })
  async apply({ events, tombstones, tx }: ProjectionBatch<'directory.events'>): Promise<void> {
    for (const event of events) {
      const { appid: appId, sequence } = event;
      if (event.type === 'app.saved') await saveAppOptions(tx, appId, sequence, event.data.options);
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
  }
}
