import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { AppId, AppSecretView } from '@communication-center/contracts';
import { Postgres, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { DirectorySettings } from '../settings.js';

interface SecretRow {
  kid: string;
  app_id: AppId;
  sealed: Buffer;
  created_at: Date;
}

export interface SigningSecret {
  kid: string;
  appId: AppId;
  secret: Uint8Array;
}

/** The secrets that sign an app's user tokens, sealed at rest with AES-256-GCM (NIST SP 800-38D). */
@Injectable()
export class AppSecretStore {
  readonly #key: Buffer;

  constructor(
    private readonly database: Postgres,
    @Inject(Settings) settings: DirectorySettings,
  ) {
    this.#key = Buffer.from(settings.SECRETS_KEY, 'base64');
  }

  async make(appId: AppId): Promise<AppSecretView> {
    const kid = uuidv7();
    const secret = randomBytes(32).toString('base64url');
    const { rows } = await this.database.query<SecretRow>('INSERT INTO app_secrets (kid, app_id, sealed) VALUES ($1, $2, $3) RETURNING *', [
      kid,
      appId,
      this.#seal(kid, secret),
    ]);
    return { kid, createdAt: (rows[0] as SecretRow).created_at.toISOString(), secret };
  }

  async list(appId: AppId): Promise<AppSecretView[]> {
    const { rows } = await this.database.query<SecretRow>(
      'SELECT * FROM app_secrets WHERE app_id = $1 AND revoked_at IS NULL ORDER BY created_at',
      [appId],
    );
    return rows.map(({ kid, created_at }) => ({ kid, createdAt: created_at.toISOString() }));
  }

  async revoke(appId: AppId, kid: string): Promise<boolean> {
    const { rowCount } = await this.database.query(
      'UPDATE app_secrets SET revoked_at = clock_timestamp() WHERE app_id = $1 AND kid = $2 AND revoked_at IS NULL',
      [appId, kid],
    );
    return rowCount === 1;
  }

  /** @returns the secret a token names by its `kid`; undefined for one that is unknown or revoked. */
  async byKid(kid: string): Promise<SigningSecret | undefined> {
    const { rows } = await this.database.query<SecretRow>('SELECT * FROM app_secrets WHERE kid::text = $1 AND revoked_at IS NULL', [kid]);
    return rows[0] && this.#open(rows[0]);
  }

  /** @returns the app's newest secret, made now where there is none. */
  async newest(appId: AppId): Promise<SigningSecret> {
    const { rows } = await this.database.query<SecretRow>(
      'SELECT * FROM app_secrets WHERE app_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC LIMIT 1',
      [appId],
    );
    if (rows[0]) return this.#open(rows[0]);
    const made = await this.make(appId);
    return { kid: made.kid, appId, secret: Buffer.from(made.secret ?? '') };
  }

  // The kid is bound in, so that a sealed secret cannot be moved to another row.
  #seal(kid: string, secret: string): Buffer {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(kid));
    const text = Buffer.concat([cipher.update(secret), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), text]);
  }

  #open({ kid, app_id, sealed }: SecretRow): SigningSecret {
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, 12)).setAAD(Buffer.from(kid));
    decipher.setAuthTag(sealed.subarray(12, 28));
    const secret = Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
    return { kid, appId: app_id, secret };
  }
}
