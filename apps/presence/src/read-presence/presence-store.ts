import {
  type AppId,
  isStorable,
  type Presence,
  type PresenceList,
  type PresenceListQuery,
  presenceSchema,
  toldToUsers,
  type UserAlias,
  type UserSession,
} from '@communication-center/contracts';
import { Postgres, ProblemError, readCursor, writeCursor } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { presenceOf } from '../domain/presence-of.js';
import { readKnown } from '../publish-changes/look-at.js';
import { type Sight, sees } from '../visibility/sights.js';
import { readEverybody, readSome } from './read-said.js';

/** The last person of a page, who may have been named when names could be longer. */
const placeSchema = z.tuple([z.string().min(1).max(512).refine(isStorable)]);

/** More sockets than a person has. */
const mostSessions = 200;

/** @returns those whom a sight holds, as users are told them; all as they are where there is none. */
function seenOf(presences: readonly Presence[], sight: Sight | undefined): Presence[] {
  return sight ? presences.filter((one) => sees(sight, one)).map(toldToUsers) : [...presences];
}

/** Reads what was published last: so a version always means the same reading, whichever way it came. */
@Injectable()
export class PresenceStore {
  constructor(private readonly database: Postgres) {}

  /** @param sight of who asks; left out for who sees everybody. @throws ProblemError `unknown_user`, also for whom the sight does not hold. */
  async get(appId: AppId, userAlias: UserAlias, sight?: Sight): Promise<Presence> {
    const [found] = await this.some(appId, [userAlias], sight);
    if (!found) throw new ProblemError('unknown_user', `Nobody is called ${userAlias} in this app`);
    return found;
  }

  /** @returns the presence of those who exist and are seen, in no special order. */
  async some(appId: AppId, userAliases: readonly UserAlias[], sight?: Sight): Promise<Presence[]> {
    return seenOf(await this.#some(appId, userAliases), sight);
  }

  async #some(appId: AppId, userAliases: readonly UserAlias[]): Promise<Presence[]> {
    const told = (await readSome(this.database, appId, userAliases)).map((published) => presenceSchema.parse(published));
    const missing = userAliases.filter((userAlias) => !told.some((one) => one.userAlias === userAlias));
    if (missing.length === 0) return told;
    // Somebody who has just been made is not published yet: version 0 is older than all that will be.
    const known = await readKnown(
      this.database,
      missing.map((userAlias) => ({ appId, userAlias })),
    );
    return [...told, ...known.flatMap((one) => (one.known ? [{ ...presenceOf(one.known), version: 0 }] : []))];
  }

  /** @returns the live sockets of a user, the newest first, as far as they are told. */
  async sessions(appId: AppId, userAlias: UserAlias): Promise<UserSession[]> {
    const { rows } = await this.database.query<Omit<UserSession, 'openedAt'> & { openedAt: Date | null }>(
      `SELECT session_id AS "sessionId", device_id AS "deviceId", platform, opened_at AS "openedAt" FROM device_sessions
       WHERE app_id = $1 AND user_alias = $2 AND closed_at IS NULL ORDER BY opened_at DESC, session_id LIMIT ${mostSessions}`,
      [appId, userAlias],
    );
    return rows.map(({ openedAt, ...session }) => ({ ...session, openedAt: openedAt?.toISOString() ?? null }));
  }

  /** A page of an app's people who are seen, by alias; or those who are named. */
  async list(appId: AppId, { userAlias, status, limit, cursor }: PresenceListQuery, sight?: Sight): Promise<PresenceList> {
    if (userAlias) {
      const found = await this.some(appId, userAlias, sight);
      return { presences: found.filter((one) => !status || one.status === status), nextCursor: null };
    }
    const question = { list: 'presence', appId, status };
    const [after = ''] = readCursor(question, placeSchema, cursor) ?? [];
    const said = await readEverybody(this.database, appId, { after, limit, status, sight });
    const presences = said.map((published) => presenceSchema.parse(published));
    const last = presences.length === limit ? presences.at(-1) : undefined;
    return { presences: seenOf(presences, sight), nextCursor: last ? writeCursor(question, [last.userAlias]) : null };
  }
}
