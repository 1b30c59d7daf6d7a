import { type AppId, type AppOptions, type AppState, appOptionsSchema, type UserAlias, userOfKey } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import type { Sql } from '@communication-center/event-log';
import { Identity, KeptFresh, Postgres, ProblemError, Replicas, ServiceClient, Settings } from '@communication-center/service';
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

/** What must be known of an app: how calls go in it, and whether there may be any. */
export interface AppTerms {
  sequence: number;
  options: AppOptions;
  state: AppState;
}

/** @returns whether it was news. */
export async function saveApp(tx: Sql, appId: AppId, { sequence, options, state }: AppTerms): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO app_options (app_id, sequence, options, state) VALUES ($1, $2, $3, $4)
     ON CONFLICT (app_id) DO UPDATE SET sequence = excluded.sequence, options = excluded.options, state = excluded.state
     WHERE app_options.sequence < excluded.sequence`,
    [appId, sequence, JSON.stringify(options), state],
  );
  return rowCount === 1;
}

/** A change of an app's options is seen everywhere within a second. */
const freshness = { goodForMs: 1000, renewAfterMs: 500 };
/** Apps whose options are remembered at most. */
const mostApps = 10_000;

/**
 * Tells who may be rung and within what limits. Reads the fold of `directory.events`, and asks the directory only for
 * what is too new to have arrived, so that a user who was made a moment ago can be dialed at once.
 */
@Injectable()
export class DirectoryReading {
  readonly #client: ServiceClient;
  readonly #terms = new Map<AppId, KeptFresh<Omit<AppTerms, 'sequence'>>>();

  constructor(
    private readonly database: Postgres,
    identity: Identity,
    @Inject(Settings) settings: CallsSettings,
  ) {
    this.#client = new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL));
  }

  /**
   * Asks the directory for users who are not known here yet, and keeps what it says.
   * @throws ProblemError `unknown_user` that names each alias nobody has.
   */
  async learn(appId: AppId, userAliases: UserAlias[]): Promise<void> {
    const found = await this.#client.ask(
      internal.userSettings,
      { params: { appId }, body: { userAliases } },
      { timeoutMs: 3000, retryForMs: 1000 },
    );
    for (const user of found.users) await saveUserSettings(this.database, appId, user);
    const alive = new Set(found.users.filter(({ deleted }) => !deleted).map(({ userAlias }) => userAlias));
    const unknown = userAliases.filter((userAlias) => !alive.has(userAlias));
    if (unknown.length > 0) throw unknownUsers(unknown);
  }

  /**
   * @returns an app's options, a second old at most.
   * @throws ProblemError `app_suspended`, or `unknown_app` for one that was deleted: nobody is rung in it.
   */
  async optionsOf(appId: AppId): Promise<AppOptions> {
    const { options, state } = await this.#termsOf(appId);
    if (state === 'suspended') throw new ProblemError('app_suspended', `App ${appId} is suspended`);
    if (state === 'deleted') throw new ProblemError('unknown_app', `No app is called ${appId}`);
    return options;
  }

  async #termsOf(appId: AppId): Promise<Omit<AppTerms, 'sequence'>> {
    const kept = this.#terms.get(appId);
    if (kept) return kept.get();
    const read = new KeptFresh(() => this.#readTerms(appId), freshness);
    this.#terms.set(appId, read);
    const [oldest] = this.#terms.keys();
    if (this.#terms.size > mostApps && oldest) this.#terms.delete(oldest);
    return read.get();
  }

  async #readTerms(appId: AppId): Promise<Omit<AppTerms, 'sequence'>> {
    const { rows } = await this.database.query<{ options: unknown; state: AppState }>(
      'SELECT options, state FROM app_options WHERE app_id = $1',
      [appId],
    );
    if (rows[0]) return { options: appOptionsSchema.parse(rows[0].options), state: rows[0].state };
    const asking = { params: { appId } };
    const terms = await this.#client.ask(internal.appOptions, asking, { timeoutMs: 3000, retryForMs: 1000 });
    await saveApp(this.database, appId, terms);
    return terms;
  }
}

/** @returns the refusal of a command that names users whom nobody knows. */
export function unknownUsers(userAliases: readonly UserAlias[]): ProblemError {
  const detail = `Nobody is called ${userAliases.join(', ')} in this app: make the user, or let it sign in once`;
  const fields = userAliases.map((userAlias) => ({ field: 'callees', message: `${userAlias} is unknown`, userAlias }));
  return new ProblemError('unknown_user', detail, { fields });
}
