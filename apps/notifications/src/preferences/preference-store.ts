import type { AppId, MessageChannel, PreferencesBody, PreferencesView, UserAlias } from '@communication-center/contracts';
import { Postgres } from '@communication-center/service';
import { Injectable } from '@nestjs/common';

type Channels = Partial<Record<MessageChannel, boolean>>;

/** By which channels users wish to be told; those who said nothing, by all. Rings are not among them: that is what do-not-disturb is for. */
@Injectable()
export class PreferenceStore {
  constructor(private readonly database: Postgres) {}

  /** Changes what is named. */
  async save(appId: AppId, userAlias: UserAlias, wished: PreferencesBody): Promise<PreferencesView> {
    const { rows } = await this.database.query<{ channels: Channels }>(
      `INSERT INTO preferences (app_id, user_alias, channels) VALUES ($1, $2, $3)
       ON CONFLICT (app_id, user_alias) DO UPDATE SET channels = preferences.channels || excluded.channels, saved_at = clock_timestamp()
       RETURNING channels`,
      [appId, userAlias, JSON.stringify(wished)],
    );
    return toView(userAlias, rows[0]?.channels);
  }

  async read(appId: AppId, userAlias: UserAlias): Promise<PreferencesView> {
    const { rows } = await this.database.query<{ channels: Channels }>(
      'SELECT channels FROM preferences WHERE app_id = $1 AND user_alias = $2',
      [appId, userAlias],
    );
    return toView(userAlias, rows[0]?.channels);
  }
}

const toView = (userAlias: UserAlias, { push = true, email = true, sms = true }: Channels = {}): PreferencesView => ({
  userAlias,
  push,
  email,
  sms,
});
