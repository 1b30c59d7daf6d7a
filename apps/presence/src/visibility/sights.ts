import { type AppId, maySee, type PresenceVisibility, type UserAlias, type Viewed, type Viewer } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { Postgres } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { AppRules } from './app-rules.js';

/** What a user sees, as far as that is known now: by which rule, and as whom. */
export interface Sight {
  rule: PresenceVisibility;
  viewer: Viewer;
}

/** Whether a sight holds somebody; without one, as a key, everybody is seen. */
export function sees(sight: Sight | undefined, viewed: Viewed): boolean {
  return !sight || maySee(sight.rule, sight.viewer, viewed);
}

/** Tells what users see. */
@Injectable()
export class Sights {
  readonly #database: Sql;

  constructor(
    database: Postgres,
    @Inject(AppRules) private readonly rules: Pick<AppRules, 'of'>,
  ) {
    this.#database = database.of('reads');
  }

  async of(appId: AppId, userAlias: UserAlias): Promise<Sight> {
    const [sight] = await this.ofEach([{ appId, userAlias }]);
    return sight as Sight;
  }

  /** The same of several, in their order, in one statement. */
  async ofEach(users: readonly { appId: AppId; userAlias: UserAlias }[]): Promise<Sight[]> {
    const rules = Promise.all(users.map(({ appId }) => this.rules.of(appId)));
    const { rows } = await this.#database.query<{ groups: string[] | null }>(
      `SELECT k.groups FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS viewer(app_id, user_alias, number)
       LEFT JOIN known_users AS k ON k.app_id = viewer.app_id AND k.user_alias = viewer.user_alias ORDER BY number`,
      [users.map(({ appId }) => appId), users.map(({ userAlias }) => userAlias)],
    );
    return (await rules).map(({ rule }, index) => ({
      rule,
      viewer: { userAlias: users[index]?.userAlias as UserAlias, groups: rows[index]?.groups ?? [] },
    }));
  }
}

/**
 * The rule in SQL, for who is looked for among many: `published` is the presence of somebody.
 * @param first the number of its first parameter. @returns a condition, and its parameters.
 */
export function seenBy({ rule, viewer: { userAlias, groups } }: Sight, first: number): { condition: string; values: unknown[] } {
  const oneself = `user_alias = $${first}`;
  switch (rule) {
    case 'everyone':
      return { condition: 'true', values: [] };
    case 'keys_only':
      return { condition: oneself, values: [userAlias] };
    case 'in_call':
      return {
        condition: `(${oneself} OR EXISTS (SELECT FROM jsonb_array_elements(published->'calls') AS call WHERE call->'with' ? $${first}))`,
        values: [userAlias],
      };
    case 'same_group':
      return groups.length === 0
        ? { condition: `(${oneself} OR NOT published ? 'groups')`, values: [userAlias] }
        : { condition: `(${oneself} OR published->'groups' ?| $${first + 1})`, values: [userAlias, groups] };
    default:
      return rule satisfies never;
  }
}
