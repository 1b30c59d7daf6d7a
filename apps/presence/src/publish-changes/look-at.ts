import { type AppId, callStateSchema, type Presence, type UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { Known, OpenSession, SeenDevice } from '../domain/presence-of.js';
import { readingWithGroups } from './presence-functions.js';

export interface Person {
  appId: AppId;
  userAlias: UserAlias;
}

/** Somebody who may be somewhere else now. */
export interface Moved extends Person {
  /** Of the event that said so. */
  traceparent?: string | null | undefined;
}

/** What a look at somebody finds. */
export interface Look extends Person {
  /** Null for somebody who was deleted, or never existed. */
  known: Known | null;
  /** When it was read, by the database's clock. */
  at: Date;
  /** What was said last, and the version it had: 0 where nothing was ever said. */
  said: { version: number; presence: Presence | null };
  /** How often the person was looked at under the lock, this look included; 0 where it is none. */
  turn: number;
  /** Whether the directory knows them: whoever is known by a session or call alone is nobody without it. */
  isListed: boolean;
}

interface LookRow {
  app_id: AppId;
  user_alias: UserAlias;
  /** Null where nothing was ever looked at. */
  version: string | null;
  published: Presence | null;
  at: Date;
  known: boolean | null;
  do_not_disturb: boolean | null;
  sessions: OpenSession[] | null;
  seen: SeenDevice[] | null;
  calls: unknown[] | null;
  turn?: string;
  groups: string[] | null;
}

export const nameOf = ({ appId, userAlias }: Person) => `${appId}/${userAlias}`;

/**
 * Locks people's rows until the commit, in one order for all, and reads all that is known of them after that: whoever holds the
 * lock sees what everybody before has committed. Those who were set aside are left out.
 */
export async function lookAt(tx: Sql, people: readonly Person[]): Promise<Look[]> {
  return look(tx, 'SELECT * FROM look_at_people($1, $2)', people);
}

/** Reads all that is known of some people, without locking anybody. */
export async function readKnown(sql: Sql, people: readonly Person[]): Promise<Look[]> {
  return look(sql, readingWithGroups, people);
}

async function look(sql: Sql, how: string, people: readonly Person[]): Promise<Look[]> {
  const { rows } = await sql.query<LookRow>(how, [people.map(({ appId }) => appId), people.map(({ userAlias }) => userAlias)]);
  return rows.map((row) => ({
    appId: row.app_id,
    userAlias: row.user_alias,
    at: row.at,
    known: toKnown(row),
    said: { version: Number(row.version ?? 0), presence: row.published },
    turn: Number(row.turn ?? 0),
    isListed: row.known === true,
  }));
}

function toKnown(row: LookRow): Known | null {
  // A session proves that somebody exists, even where the directory's word has not come yet; a deletion ends them.
  if (row.known === false || (row.known === null && !row.sessions && !row.calls)) return null;
  return {
    userAlias: row.user_alias,
    doNotDisturb: row.do_not_disturb ?? false,
    groups: row.groups ?? [],
    sessions: row.sessions ?? [],
    seen: row.seen ?? [],
    calls: (row.calls ?? []).map((call) => callStateSchema.parse(call)),
  };
}
