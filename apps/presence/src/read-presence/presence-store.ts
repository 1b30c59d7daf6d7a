import { type AppId, callStateSchema, type Presence, type UserAlias } from '@communication-center/contracts';
import { Postgres, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { type OpenSession, presenceOf } from '../domain/presence-of.js';

interface PresenceRow {
  version: string | null;
  last_seen_at: Date | null;
  known: boolean;
  sessions: OpenSession[] | null;
  calls: unknown[] | null;
}

@Injectable()
export class PresenceStore {
  constructor(private readonly database: Postgres) {}

  /**
   * Reads one user's presence in one statement, so that all of it is of one moment.
   * @throws ProblemError `unknown_user`.
   */
  async get(appId: AppId, userAlias: UserAlias): Promise<Presence> {
    const { rows } = await this.database.query<PresenceRow>(
      `SELECT p.version, p.last_seen_at,
              EXISTS (SELECT 1 FROM known_users AS k WHERE k.app_id = $1 AND k.user_alias = $2 AND NOT k.deleted) AS known,
              (SELECT json_agg(json_build_object('deviceId', device_id, 'platform', platform,
                        'openedAt', to_char(opened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ORDER BY opened_at)
               FROM device_sessions WHERE app_id = $1 AND user_alias = $2 AND closed_at IS NULL) AS sessions,
              (SELECT json_agg(call ORDER BY call_id) FROM current_calls WHERE app_id = $1 AND participants @> ARRAY[$2] AND NOT ended) AS calls
       FROM (SELECT 1) AS one LEFT JOIN people AS p ON p.app_id = $1 AND p.user_alias = $2`,
      [appId, userAlias],
    );
    const row = rows[0] as PresenceRow;
    if (!row.known && !row.sessions) throw new ProblemError('unknown_user', `Nobody is called ${userAlias} in this app`);
    return presenceOf({
      userAlias,
      version: Number(row.version ?? 0),
      lastSeenAt: row.last_seen_at?.toISOString() ?? null,
      sessions: row.sessions ?? [],
      calls: (row.calls ?? []).map((call) => callStateSchema.parse(call)),
    });
  }
}
