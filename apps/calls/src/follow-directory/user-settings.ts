import { type AppId, type AppOptions, appOptionsSchema, type UserAlias, userOfKey } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import type { Sql } from '@communication-center/event-log';
import { Identity, Postgres, ProblemError, Replicas, ServiceClient, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { CallsSettings } from '../settings.js';

export interface UserSettings {
  userAlias: UserAlias;
  sequence: number;
  deleted: boolean;
  doNotDisturb: boolean;
}

export async function saveUserSettings(tx: Sql, appId: AppId, user: UserSettings): Promise<void> {
  await tx.query(
    `INSERT INTO user_settings (app_id, user_alias, sequence, deleted, do_not_disturb) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (app_id, user_alias) DO UPDATE
     SET sequence = excluded.sequence, deleted = excluded.deleted, do_not_disturb = excluded.do_not_disturb
     WHERE user_settings.sequence < excluded.sequence`,
    [appId, user.userAlias, user.sequence, user.deleted, user.doNotDisturb],
  );
}

/**
 * Users whose keys ended in the log are deleted, also where the event that said so is compacted away. They count as one
 * newer than what was known of them, so that only a user who is made again comes back.
 */
export async function endUserSettings(tx: Sql, keys: readonly string[]): Promise<void> {
  const users = keys.flatMap((key) => userOfKey(key) ?? []);
  if (users.length === 0) return;
  await tx.query(
    `UPDATE user_settings AS s SET deleted = true, do_not_disturb = false, sequence = s.sequence + 1
     FROM unnest($1::text[], $2::text[]) AS gone(app_id, user_alias)
     WHERE s.app_id = gone.app_id AND s.user_alias = gone.user_alias AND NOT s.deleted`,
    [users.map(({ appId }) => appId), users.map(({ userAlias }) => userAlias)],
  );
}

export async function saveAppOptions(tx: Sql, appId: AppId, sequence: number, options: AppOptions): Promise<void> {
  await tx.query(
    `INSERT INTO app_options (app_id, sequence, options) VALUES ($1, $2, $3)
     ON CONFLICT (app_id) DO UPDATE SET sequence = excluded.sequence, options = excluded.options
     WHERE app_options.sequence < excluded.sequence`,
    [appId, sequence, JSON.stringify(options)],
  );
}

/**
 * Tells who may be rung and within what limits. Reads the fold of `directory.events`, and asks the directory only for
 * what is too new to have arrived, so that a user who was made a moment ago can be dialed at once.
 */
@Injectable()
export class DirectoryReading {
  readonly #client: ServiceClient;

  constructor(
    private readonly database: Postgres,
    identity: Identity,
    @Inject(Settings) settings: CallsSettings,
  ) {
    this.#client = new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL));
  }

  /** @throws ProblemError `unknown_user` that names each alias nobody has. */
  async requireUsers(appId: AppId, users: readonly UserAlias[]): Promise<void> {
    const { rows } = await this.database.query<{ user_alias: UserAlias }>(
      'SELECT user_alias FROM user_settings WHERE app_id = $1 AND user_alias = ANY($2) AND NOT deleted',
      [appId, users],
    );
    const known = new Set(rows.map((row) => row.user_alias));
    const missing = users.filter((userAlias) => !known.has(userAlias));
    if (missing.length === 0) return;
    const asking = { params: { appId }, body: { userAliases: missing } };
    const found = await this.#client.ask(internal.userSettings, asking, { timeoutMs: 3000, retryForMs: 1000 });
    for (const user of found.users) await saveUserSettings(this.database, appId, user);
    const alive = new Set(found.users.filter(({ deleted }) => !deleted).map(({ userAlias }) => userAlias));
    const unknown = missing.filter((userAlias) => !alive.has(userAlias));
    if (unknown.length === 0) return;
    throw new ProblemError('unknown_user', `Nobody is called ${unknown.join(', ')} in this app: make the user, or let it sign in once`, {
      fields: unknown.map((userAlias) => ({ field: 'callees', message: `${userAlias} is unknown` })),
    });
  }

  async optionsOf(appId: AppId): Promise<AppOptions> {
    const { rows } = await this.database.query<{ options: unknown }>('SELECT options FROM app_options WHERE app_id = $1', [appId]);
    if (rows[0]) return appOptionsSchema.parse(rows[0].options);
    const asking = { params: { appId } };
    const { sequence, options } = await this.#client.ask(internal.appOptions, asking, { timeoutMs: 3000, retryForMs: 1000 });
    await saveAppOptions(this.database, appId, sequence, options);
    return options;
  }
}
