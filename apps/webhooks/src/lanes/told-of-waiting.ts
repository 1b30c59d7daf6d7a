import type { AppId } from '@communication-center/contracts';
import type { Postgres } from '@communication-center/service';

const newsOfApp = 'again:';

/** Tells whoever delivers to an app's endpoints, wherever that is, that something waits for them now. Where it fails, it is looked for every few seconds. */
export async function tellOfWaiting(database: Pick<Postgres, 'query' | 'schema'>, appIds: Iterable<AppId>): Promise<void> {
  const told = [...new Set(appIds)].map((appId) => `${newsOfApp}${appId}`).join(' ');
  if (told !== '') await database.query('SELECT pg_notify($1, $2)', [`${database.schema}_lanes`, told]);
}

/** @returns the app of which a word says that something waits for its endpoints; undefined for any other word. */
export const appOfNews = (told: string) => (told.startsWith(newsOfApp) ? (told.slice(newsOfApp.length) as AppId) : undefined);
