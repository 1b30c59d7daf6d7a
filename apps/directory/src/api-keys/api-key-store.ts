import { createHash, randomBytes } from 'node:crypto';
import { type ApiKeyView, type AppId, type AppState, allScopesOf, type KeyScope, scopesAsSaid } from '@communication-center/contracts';
import { Postgres } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { Note } from '../audit/audit.js';
import { noteEnd } from '../ends/ends.js';
import { requireRoom } from '../limits.js';
import { readTogether } from '../read-together.js';

/** Every key starts with this, so that a scanner for leaked secrets can know one. */
export const keyPrefix = 'cc_';

interface KeyRow {
  key_id: string;
  app_id: AppId;
  name: string;
  /** Those that the first release knew, which reads no others. */
  scopes: KeyScope[];
  /** Null for a key that the first release made. */
  later_scopes: KeyScope[] | null;
  created_at: Date;
}

function scopesOf({ scopes, later_scopes: laterScopes }: KeyRow): KeyScope[] {
  return allScopesOf({ scopes, laterScopes });
}

// A key has 256 random bits: a plain digest cannot be guessed from, and a look-up by it takes no longer for a near miss.
function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

const toView = (row: KeyRow): ApiKeyView => ({
  keyId: row.key_id,
  name: row.name,
  scopes: scopesOf(row),
  createdAt: row.created_at.toISOString(),
});

/** Whose a key is, and what it may. */
interface KeyHolder {
  appId: AppId;
  keyId: string;
  scopes: KeyScope[];
  laterScopes: KeyScope[];
  appState: AppState;
}

@Injectable()
export class ApiKeyStore {
  readonly #found = readTogether<Buffer, KeyHolder>(
    (hash) => hash.toString('hex'),
    (hashes) => this.#holders(hashes),
  );

  constructor(private readonly database: Postgres) {}

  async make(appId: AppId, name: string, scopes: readonly KeyScope[], noteFor: (keyId: string) => Note): Promise<ApiKeyView> {
    const secret = keyPrefix + randomBytes(32).toString('base64url');
    const keyId = uuidv7();
    const said = scopesAsSaid(scopes);
    return this.database.transaction(async (tx) => {
      await requireRoom(tx, appId, 'apiKeys');
      const { rows } = await tx.query<KeyRow>(
        'INSERT INTO api_keys (key_id, app_id, name, hash, scopes, later_scopes) VALUES ($1, $2, $3, $4, $5, $6) RETURNING *',
        [keyId, appId, name, digest(secret), said.scopes, said.laterScopes],
      );
      await noteFor(keyId)(tx);
      return { ...toView(rows[0] as KeyRow), secret };
    });
  }

  async list(appId: AppId): Promise<ApiKeyView[]> {
    const { rows } = await this.database.query<KeyRow>(
      'SELECT * FROM api_keys WHERE app_id = $1 AND revoked_at IS NULL ORDER BY created_at',
      [appId],
    );
    return rows.map(toView);
  }

  async revoke(appId: AppId, keyId: string, note: Note): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const { rowCount } = await tx.query(
        'UPDATE api_keys SET revoked_at = clock_timestamp() WHERE app_id = $1 AND key_id = $2 AND revoked_at IS NULL',
        [appId, keyId],
      );
      if (rowCount) {
        await note(tx);
        await noteEnd(tx, { what: 'key', appId, keyId });
      }
      return rowCount === 1;
    });
  }

  /** @returns whose key this is; undefined for one that is unknown or revoked. */
  async find(secret: string): Promise<KeyHolder | undefined> {
    return this.#found(digest(secret));
  }

  async #holders(hashes: readonly Buffer[]): Promise<Map<string, KeyHolder>> {
    const { rows } = await this.database.query<KeyRow & { hash: Buffer; app_state: AppState }>(
      `SELECT api_keys.*, apps.state AS app_state FROM api_keys JOIN apps USING (app_id)
       WHERE hash = ANY($1::bytea[]) AND revoked_at IS NULL`,
      [hashes],
    );
    return new Map(
      rows.map((row) => [
        row.hash.toString('hex'),
        { appId: row.app_id, keyId: row.key_id, ...scopesAsSaid(scopesOf(row)), appState: row.app_state },
      ]),
    );
  }
}
