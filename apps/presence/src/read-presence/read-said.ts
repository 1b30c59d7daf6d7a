import type { AppId, PresenceStatus, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { type Sight, seenBy } from '../visibility/sights.js';

export interface Page {
  /** The last alias of the page before; the empty string for the first page. */
  after: string;
  limit: number;
  status?: PresenceStatus | undefined;
  /** Who looks: only whom they may see is read. Everybody where it is left out. */
  sight?: Sight | undefined;
}

/** @returns a page of what was last said of an app's people, in the order of their aliases' bytes. */
export async function readEverybody(sql: Sql, appId: AppId, { after, limit, status, sight }: Page): Promise<unknown[]> {
  const seen = sight && seenBy(sight, status ? 5 : 4);
  const { rows } = await sql.query<{ published: unknown }>(
    `SELECT published FROM people WHERE app_id = $1 AND ${status ? 'status = $4' : 'status IS NOT NULL'} AND user_alias COLLATE "C" > $2
       AND ${seen?.condition ?? 'true'}
     ORDER BY user_alias COLLATE "C" LIMIT $3`,
    [appId, after, limit, ...(status ? [status] : []), ...(seen?.values ?? [])],
  );
  return rows.map(({ published }) => published);
}

/** @returns what was last said of those of some people who exist. */
export async function readSome(sql: Sql, appId: AppId, userAliases: readonly UserAlias[]): Promise<unknown[]> {
  const { rows } = await sql.query<{ published: unknown }>(
    'SELECT published FROM people WHERE app_id = $1 AND user_alias = ANY($2) AND published IS NOT NULL',
    [appId, userAliases],
  );
  return rows.map(({ published }) => published);
}
