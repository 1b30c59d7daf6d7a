import { randomBytes } from 'node:crypto';
import type { AppId, AppSecretView } from '@communication-center/contracts';
import { Postgres, SealedBox, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { validate as isUuid, v7 as uuidv7 } from 'uuid';
import type { Note } from '../audit/audit.js';
import { noteEnd } from '../ends/ends.js';
import { requireRoom } from '../limits.js';
import { readTogether } from '../read-together.js';
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

/** The secrets that sign an app's user tokens, sealed at rest. */
@Injectable()
export class AppSecretStore {
  readonly #box: SealedBox;
  readonly #named = readTogether<string, SecretRow>(String, (kids) => this.#byKids(kids));

  constructor(
    private readonly database: Postgres,
    @Inject(Settings) settings: DirectorySettings,
  ) {
    this.#box = new SealedBox(settings.SECRETS_KEY);
  }

  /** @param noteFor puts it on record; left out where the Center makes one by itself. */
  async make(appId: AppId, noteFor?: (kid: string) => Note): Promise<AppSecretView> {
    const kid = uuidv7();
    const secret = randomBytes(32).toString('base64url');
    return this.database.transaction(async (tx) => {
      await requireRoom(tx, appId, 'secrets');
      const { rows } = await tx.query<SecretRow>('INSERT INTO app_secrets (kid, app_id, sealed) VALUES ($1, $2, $3) RETURNING *', [
        kid,
        appId,
        this.#box.seal(kid, secret),
      ]);
      await noteFor?.(kid)(tx);
      return { kid, createdAt: (rows[0] as SecretRow).created_at.toISOString(), secret };
    });
  }

  async list(appId: AppId): Promise<AppSecretView[]> {
    const { rows } = await this.database.query<SecretRow>(
      'SELECT * FROM app_secrets WHERE app_id = $1 AND revoked_at IS NULL ORDER BY created_at',
      [appId],
    );
    return rows.map(({ kid, created_at }) => ({ kid, createdAt: created_at.toISOString() }));
  }

  async revoke(appId: AppId, kid: string, note: Note): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const { rowCount } = await tx.query(
        'UPDATE app_secrets SET revoked_at = clock_timestamp() WHERE app_id = $1 AND kid = $2 AND revoked_at IS NULL',
        [appId, kid],
      );
      if (rowCount) {
        await note(tx);
        await noteEnd(tx, { what: 'secret', appId, kid });
      }
      return rowCount === 1;
    });
  }

  /** @returns the secret a token names by its `kid`; undefined for one that is unknown or revoked. */
  async byKid(kid: string): Promise<SigningSecret | undefined> {
    // A kid comes from a token nobody has verified yet, and the index knows UUIDs alone.
    if (!isUuid(kid)) return undefined;
    const row = await this.#named(kid.toLowerCase());
    return row && this.#open(row);
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

  async #byKids(kids: readonly string[]): Promise<Map<string, SecretRow>> {
    const { rows } = await this.database.query<SecretRow>('SELECT * FROM app_secrets WHERE kid = ANY($1::uuid[]) AND revoked_at IS NULL', [
      kids,
    ]);
    return new Map(rows.map((row) => [row.kid, row]));
  }

  #open({ kid, app_id, sealed }: SecretRow): SigningSecret {
    return { kid, appId: app_id, secret: Buffer.from(this.#box.open(kid, sealed)) };
  }
}
