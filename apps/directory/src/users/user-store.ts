import type { AppId, AppState, Profile, UserAlias, UserBody, UserPatch, UserRevoked, UserView } from '@communication-center/contracts';
import { OutboxRelay, type Sql } from '@communication-center/event-log';
import { faultOfWebAddress, Postgres, ProblemError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { requireOpen } from '../apps/app-store.js';
import type { Note } from '../audit/audit.js';
import { noteEnd } from '../ends/ends.js';
import { publish } from '../publish.js';
import { readTogether } from '../read-together.js';
import type { DirectorySettings } from '../settings.js';
import { tellingOfFullStorage } from '../stored-bytes/stored-bytes.js';

interface UserRow {
  user_alias: UserAlias;
  name: string | null;
  picture: string | null;
  email: string | null;
  phone: string | null;
  locale: string | null;
  time_zone: string | null;
  do_not_disturb: boolean;
  groups: string[];
  sequence: string;
  created_at: Date;
  deleted_at: Date | null;
  tokens_ended_at: Date | null;
}

function toBody(row: UserRow): Required<UserBody> {
  const { name, picture, email, phone, locale, time_zone: timeZone, do_not_disturb: doNotDisturb, groups } = row;
  return { name, picture, email, phone, locale, timeZone, doNotDisturb, groups };
}

/** @returns a picture that pages may show: of one that was saved before addresses were judged, nothing is told. */
const shownPicture = (picture: string | null, profile: RunsIn) =>
  picture === null || faultOfWebAddress(picture, profile) ? null : picture;

type RunsIn = DirectorySettings['PROFILE'];

const toView = (row: UserRow, profile: RunsIn): UserView => ({
  userAlias: row.user_alias,
  createdAt: row.created_at.toISOString(),
  ...toBody(row),
  picture: shownPicture(row.picture, profile),
});

const nothingKnown = { name: null, picture: null, email: null, phone: null, locale: null, timeZone: null, groups: [] };

/** @returns each group once, in an order that does not hang on who named them. */
const inOrder = (groups: readonly string[]) => [...new Set(groups)].sort();

interface Named {
  appId: AppId;
  userAlias: UserAlias;
}

/** What is known of a user who signs in. */
interface Known {
  /** Of its app. */
  appState: AppState;
  /** Whether there is such a user now. */
  exists: boolean;
  /** The second up to which the user's tokens have ended, by their `iat`; null where none were ended. */
  tokensEnded: number | null;
}

/** @returns the second of a moment, as tokens tell it. */
const secondOf = (at: Date) => Math.floor(at.getTime() / 1000);

const nameOf = ({ appId, userAlias }: Named) => `${appId}/${userAlias}`;

@Injectable()
export class UserStore {
  readonly #profile: RunsIn;
  readonly #known = readTogether<Named, Known>(nameOf, (users) => this.#those(users));

  constructor(
    private readonly database: Postgres,
    private readonly relay: OutboxRelay,
    @Inject(Settings) settings: Pick<DirectorySettings, 'PROFILE'>,
  ) {
    this.#profile = settings.PROFILE;
  }

  /** Makes a user, or replaces its settings. */
  async save(appId: AppId, userAlias: UserAlias, body: UserBody): Promise<UserView> {
    const { name, picture, email, phone, locale, timeZone, doNotDisturb, groups } = body;
    return this.#write(appId, userAlias, async (tx) => {
      const { rows } = await tx.query<UserRow>(
        `INSERT INTO users (app_id, user_alias, name, picture, email, phone, locale, do_not_disturb, groups, time_zone, sequence)
         VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, false), $9, $10, 1)
         ON CONFLICT (app_id, user_alias) DO UPDATE
         SET name = excluded.name, picture = excluded.picture, email = excluded.email, phone = excluded.phone, locale = excluded.locale, time_zone = excluded.time_zone,
             do_not_disturb = coalesce($8, users.do_not_disturb), groups = excluded.groups, deleted_at = NULL, sequence = users.sequence + 1
         RETURNING *`,
        [appId, userAlias, name, picture, email, phone, locale, doNotDisturb ?? null, inOrder(groups), timeZone],
      );
      return rows[0] as UserRow;
    });
  }

  /**
   * Makes a user known, the first time it signs in.
   * @param issuedAt when its token was, in seconds; left out where an app's server answers for the user.
   * @returns the second up to which its tokens have ended; null where none were ended.
   * @throws ProblemError `app_suspended` or `unknown_app`; `unauthenticated` for a token that has ended: a deleted user is not made anew by one of before.
   */
  async ensure(appId: AppId, userAlias: UserAlias, issuedAt?: number): Promise<number | null> {
    const known = await this.#known({ appId, userAlias });
    requireOpen(appId, known?.appState ?? 'deleted');
    const tokensEnded = known?.tokensEnded ?? null;
    if (issuedAt !== undefined && tokensEnded !== null && issuedAt <= tokensEnded)
      throw new ProblemError('unauthenticated', 'token: it was revoked, with every token of the user that was issued until then');
    if (!known?.exists) await this.save(appId, userAlias, nothingKnown);
    return tokensEnded;
  }

  /** @throws ProblemError `unknown_user`. */
  async get(appId: AppId, userAlias: UserAlias): Promise<UserView> {
    const { rows } = await this.database.query<UserRow>(
      'SELECT * FROM users WHERE app_id = $1 AND user_alias = $2 AND deleted_at IS NULL',
      [appId, userAlias],
    );
    if (!rows[0]) throw new ProblemError('unknown_user');
    return toView(rows[0], this.#profile);
  }

  /** Erases a user's settings; the row stays, so that its sequence never goes back. @throws ProblemError `unknown_user`. */
  async delete(appId: AppId, userAlias: UserAlias, note: Note): Promise<void> {
    await this.#write(appId, userAlias, async (tx) => {
      const { rows } = await tx.query<UserRow>(
        `UPDATE users SET name = NULL, picture = NULL, email = NULL, phone = NULL, locale = NULL, time_zone = NULL, do_not_disturb = false, groups = '{}',
                deleted_at = clock_timestamp(), tokens_ended_at = greatest(tokens_ended_at, clock_timestamp()), sequence = sequence + 1
         WHERE app_id = $1 AND user_alias = $2 AND deleted_at IS NULL RETURNING *`,
        [appId, userAlias],
      );
      if (!rows[0]) throw new ProblemError('unknown_user');
      await note(tx);
      return rows[0];
    });
  }

  /** Ends every token of a user that was issued up to this second. @throws ProblemError `unknown_user`. */
  async revoke(appId: AppId, userAlias: UserAlias, note: Note): Promise<UserRevoked> {
    return this.database.transaction(async (tx) => {
      const { rows } = await tx.query<UserRow>(
        `UPDATE users SET tokens_ended_at = greatest(tokens_ended_at, clock_timestamp())
         WHERE app_id = $1 AND user_alias = $2 AND deleted_at IS NULL RETURNING *`,
        [appId, userAlias],
      );
      if (!rows[0]) throw new ProblemError('unknown_user');
      await note(tx);
      const upTo = secondOf(rows[0].tokens_ended_at as Date);
      await noteEnd(tx, { what: 'user', appId, userAlias, upTo });
      return { userAlias, tokensEndedAt: new Date(upTo * 1000).toISOString() };
    });
  }

  /** Changes what a patch names; null erases. @throws ProblemError `unknown_user`. */
  async change(appId: AppId, userAlias: UserAlias, patch: UserPatch): Promise<UserView> {
    return this.#write(appId, userAlias, async (tx) => {
      const { rows } = await tx.query<UserRow>(
        `UPDATE users
         SET name = CASE WHEN $3::jsonb ? 'name' THEN $3::jsonb ->> 'name' ELSE name END,
             picture = CASE WHEN $3::jsonb ? 'picture' THEN $3::jsonb ->> 'picture' ELSE picture END,
             email = CASE WHEN $3::jsonb ? 'email' THEN $3::jsonb ->> 'email' ELSE email END,
             phone = CASE WHEN $3::jsonb ? 'phone' THEN $3::jsonb ->> 'phone' ELSE phone END,
             locale = CASE WHEN $3::jsonb ? 'locale' THEN $3::jsonb ->> 'locale' ELSE locale END,
             time_zone = CASE WHEN $3::jsonb ? 'timeZone' THEN $3::jsonb ->> 'timeZone' ELSE time_zone END,
             do_not_disturb = coalesce(($3::jsonb ->> 'doNotDisturb')::boolean, do_not_disturb), groups = coalesce($4, groups), sequence = sequence + 1
         WHERE app_id = $1 AND user_alias = $2 AND deleted_at IS NULL RETURNING *`,
        [appId, userAlias, JSON.stringify(patch), patch.groups ? inOrder(patch.groups) : null],
      );
      if (!rows[0]) throw new ProblemError('unknown_user');
      return rows[0];
    });
  }

  /** @throws ProblemError `unknown_user`. */
  async setDoNotDisturb(appId: AppId, userAlias: UserAlias, doNotDisturb: boolean): Promise<UserView> {
    return this.#write(appId, userAlias, async (tx) => {
      const { rows } = await tx.query<UserRow>(
        `UPDATE users SET do_not_disturb = $3, sequence = sequence + 1
         WHERE app_id = $1 AND user_alias = $2 AND deleted_at IS NULL RETURNING *`,
        [appId, userAlias, doNotDisturb],
      );
      if (!rows[0]) throw new ProblemError('unknown_user');
      return rows[0];
    });
  }

  async profiles(appId: AppId, userAliases: readonly UserAlias[]): Promise<Profile[]> {
    const { rows } = await this.database.query<Profile>(
      `SELECT user_alias AS "userAlias", name, picture FROM users WHERE app_id = $1 AND user_alias = ANY($2) AND deleted_at IS NULL`,
      [appId, userAliases],
    );
    return rows.map((row) => ({ ...row, picture: shownPicture(row.picture, this.#profile) }));
  }

  /** @returns what the calls service must know of users, deleted ones too. */
  async settings(appId: AppId, userAliases: readonly UserAlias[]) {
    const { rows } = await this.database.query<UserRow>('SELECT * FROM users WHERE app_id = $1 AND user_alias = ANY($2)', [
      appId,
      userAliases,
    ]);
    return rows.map((row) => ({
      userAlias: row.user_alias,
      sequence: Number(row.sequence),
      deleted: row.deleted_at !== null,
      doNotDisturb: row.do_not_disturb,
    }));
  }

  async #those(users: readonly Named[]): Promise<Map<string, Known>> {
    const { rows } = await this.database.query<Named & { appState: AppState; exists: boolean; endedAt: Date | null }>(
      `SELECT asked.app_id AS "appId", asked.user_alias AS "userAlias", apps.state AS "appState",
              users.app_id IS NOT NULL AND users.deleted_at IS NULL AS "exists", greatest(tokens_ended_at, users.deleted_at) AS "endedAt"
       FROM unnest($1::text[], $2::text[]) AS asked (app_id, user_alias)
       JOIN apps USING (app_id) LEFT JOIN users ON users.app_id = asked.app_id AND users.user_alias = asked.user_alias`,
      [users.map(({ appId }) => appId), users.map(({ userAlias }) => userAlias)],
    );
    return new Map(
      rows.map(({ appState, exists, endedAt, ...user }) => [nameOf(user), { appState, exists, tokensEnded: endedAt && secondOf(endedAt) }]),
    );
  }

  async #write(appId: AppId, userAlias: UserAlias, change: (tx: Sql) => Promise<UserRow>): Promise<UserView> {
    const { row, shards } = await tellingOfFullStorage(() =>
      this.database.transaction(async (tx) => {
        const row = await change(tx);
        const told =
          row.deleted_at === null
            ? { type: 'user.saved' as const, data: { userAlias, ...toBody(row) } }
            : { type: 'user.deleted' as const, data: { userAlias } };
        const shards = await publish(tx, appId, `user:${appId}/${userAlias}`, Number(row.sequence), told);
        if (row.deleted_at) await noteEnd(tx, { what: 'user', appId, userAlias, upTo: secondOf(row.deleted_at) });
        return { row, shards };
      }),
    );
    this.relay.committed(shards);
    return toView(row, this.#profile);
  }
}
