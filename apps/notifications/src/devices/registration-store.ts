import { createHash } from 'node:crypto';
import type {
  AppId,
  DeviceId,
  PushRegistrationBody,
  PushRegistrationQuery,
  PushRegistrationView,
  PushTarget,
  UserAlias,
} from '@communication-center/contracts';
import { Postgres, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';

interface RegistrationRow {
  registration_id: string;
  user_alias: UserAlias;
  device_id: DeviceId;
  target: PushTarget;
  registered_at: Date;
  seen_at: Date;
}

/** Registrations one user has at most: the one that was seen longest ago goes for a new one. */
const mostOfOneUser = 50;
const endingLength = 6;

/** @returns what tells a target from every other of its kind. */
const tokenOf = (target: PushTarget) => (target.kind === 'web_push' ? target.endpoint : target.token);

const toView = ({ registration_id, user_alias, device_id, target, registered_at, seen_at }: RegistrationRow): PushRegistrationView => ({
  registrationId: registration_id,
  userAlias: user_alias,
  deviceId: device_id,
  kind: target.kind,
  ...('environment' in target && { environment: target.environment }),
  tokenEnding: tokenOf(target).slice(-endingLength),
  registeredAt: registered_at.toISOString(),
  seenAt: seen_at.toISOString(),
});

/** Where the devices of users are pushed to. */
@Injectable()
export class RegistrationStore {
  constructor(private readonly database: Postgres) {}

  /**
   * Registers a device, or says again that it is there. A token is of the user who registered it last, on whatever device that was;
   * a device has one target of each kind. What registers again, whoever it is, counts as registered anew: an older word of its
   * provider that the token is dead does not hold for it.
   */
  async register(appId: AppId, userAlias: UserAlias, { deviceId, target }: PushRegistrationBody): Promise<PushRegistrationView> {
    const hash = createHash('sha256').update(tokenOf(target)).digest();
    return this.database.transaction(async (tx) => {
      // One at a time for each token: two users who sign in with it at once are one after the other.
      await tx.query("SELECT pg_advisory_xact_lock(hashtextextended($1 || encode($2, 'hex'), 79))", [appId, hash]);
      await tx.query(
        `DELETE FROM push_registrations WHERE app_id = $1 AND kind = $2 AND token_hash = $3 AND (user_alias, device_id) <> ($4, $5)`,
        [appId, target.kind, hash, userAlias, deviceId],
      );
      const { rows } = await tx.query<RegistrationRow>(
        `INSERT INTO push_registrations (registration_id, app_id, user_alias, device_id, kind, token_hash, target)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (app_id, user_alias, device_id, kind) DO UPDATE
         SET token_hash = excluded.token_hash, target = excluded.target, registered_at = clock_timestamp(), seen_at = clock_timestamp()
         RETURNING *`,
        [uuidv7(), appId, userAlias, deviceId, target.kind, hash, target],
      );
      await tx.query(
        `DELETE FROM push_registrations WHERE registration_id IN (
           SELECT registration_id FROM push_registrations WHERE app_id = $1 AND user_alias = $2 ORDER BY seen_at DESC OFFSET ${mostOfOneUser})`,
        [appId, userAlias],
      );
      return toView(rows[0] as RegistrationRow);
    });
  }

  async list(appId: AppId, userAlias: UserAlias, { deviceId }: PushRegistrationQuery): Promise<PushRegistrationView[]> {
    const { rows } = await this.database.query<RegistrationRow>(
      'SELECT * FROM push_registrations WHERE app_id = $1 AND user_alias = $2 AND ($3::text IS NULL OR device_id = $3) ORDER BY seen_at DESC',
      [appId, userAlias, deviceId ?? null],
    );
    return rows.map(toView);
  }

  /** @param userAlias whose it must be; anybody's of the app where it is left out. @throws ProblemError `not_found`. */
  async remove(appId: AppId, registrationId: string, userAlias?: UserAlias): Promise<void> {
    const { rowCount } = await this.database.query(
      'DELETE FROM push_registrations WHERE app_id = $1 AND registration_id = $2 AND ($3::text IS NULL OR user_alias = $3)',
      [appId, registrationId, userAlias ?? null],
    );
    if (rowCount !== 1) throw new ProblemError('not_found', 'No such registration');
  }

  /** Forgets all of a user, or of one device of it, as a sign-out asks. */
  async removeAll(appId: AppId, userAlias: UserAlias, { deviceId }: PushRegistrationQuery): Promise<void> {
    await this.database.query(
      'DELETE FROM push_registrations WHERE app_id = $1 AND user_alias = $2 AND ($3::text IS NULL OR device_id = $3)',
      [appId, userAlias, deviceId ?? null],
    );
  }

  /**
   * Forgets what its provider calls dead.
   * @param since when it died, where that is known: a token that was registered later is alive again, and stays.
   * @returns whether it is forgotten.
   */
  async removeDead(registrationId: string, tried: PushTarget, since: Date | undefined): Promise<boolean> {
    const { rowCount } = await this.database.query(
      `DELETE FROM push_registrations WHERE registration_id = $1 AND target = $2::jsonb AND ($3::timestamptz IS NULL OR registered_at <= $3)`,
      [registrationId, JSON.stringify(tried), since ?? null],
    );
    return rowCount === 1;
  }
}
