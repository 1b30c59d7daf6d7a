import { createHash, randomBytes } from 'node:crypto';
import type { AppId, SipAccountView, SipAlgorithm } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { Postgres, SealedBox, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Note } from '../audit/audit.js';
import { noteEnd } from '../ends/ends.js';
import { requireRoom } from '../limits.js';
import type { DirectorySettings } from '../settings.js';

interface AccountRow {
  username: string;
  sealed: Buffer;
  algorithms: SipAlgorithm[];
  created_at: Date;
}

/** What digest authentication compares with (RFC 8760 and RFC 7616): a digest of name, realm and password, per algorithm. */
export interface DigestSecrets {
  md5: string;
  sha256: string;
}

interface AccountWanted {
  username: string;
  /** Those it has, where left out. */
  algorithms?: SipAlgorithm[] | undefined;
}

/** Of new accounts: RFC 8760 §2.4 would have the strongest first. */
const usualAlgorithms: SipAlgorithm[] = ['SHA-256', 'MD5'];

/** The accounts with which an app's phone systems sign in over SIP. The realm is the app. Only digests are kept, and sealed. */
@Injectable()
export class SipAccountStore {
  readonly #box: SealedBox;

  constructor(
    private readonly database: Postgres,
    @Inject(Settings) settings: DirectorySettings,
  ) {
    this.#box = new SealedBox(settings.SECRETS_KEY);
  }

  /** Makes an account, or gives it a new password: the one before is worth nothing from now on. */
  async make(appId: AppId, { username, algorithms }: AccountWanted, note: Note): Promise<SipAccountView> {
    const password = randomBytes(18).toString('base64url');
    const digest = (algorithm: string) => createHash(algorithm).update(`${username}:${appId}:${password}`).digest('hex');
    const secrets: DigestSecrets = { md5: digest('md5'), sha256: digest('sha256') };
    return this.database.transaction(async (tx) => {
      const { rows: before } = await tx.query('SELECT 1 FROM sip_accounts WHERE app_id = $1 AND username = $2', [appId, username]);
      if (before.length === 0) await requireRoom(tx, appId, 'sipAccounts');
      const { rows } = await tx.query<AccountRow>(
        `INSERT INTO sip_accounts AS account (app_id, username, sealed, algorithms) VALUES ($1, $2, $3, coalesce($4::text[], $5))
         ON CONFLICT (app_id, username) DO UPDATE
         SET sealed = excluded.sealed, created_at = clock_timestamp(), algorithms = coalesce($4::text[], account.algorithms) RETURNING *`,
        [appId, username, this.#box.seal(`${appId}/${username}`, JSON.stringify(secrets)), algorithms ?? null, usualAlgorithms],
      );
      await note(tx);
      if (before.length > 0) await noteEnd(tx, { what: 'sip_account', appId, username });
      return { ...viewOf(rows[0] as AccountRow), password };
    });
  }

  async list(appId: AppId): Promise<SipAccountView[]> {
    const { rows } = await this.database.query<AccountRow>('SELECT * FROM sip_accounts WHERE app_id = $1 ORDER BY username', [appId]);
    return rows.map(viewOf);
  }

  async delete(appId: AppId, username: string, note: Note): Promise<boolean> {
    return this.database.transaction(async (tx: Sql) => {
      const { rowCount } = await tx.query('DELETE FROM sip_accounts WHERE app_id = $1 AND username = $2', [appId, username]);
      if (rowCount) {
        await note(tx);
        await noteEnd(tx, { what: 'sip_account', appId, username });
      }
      return rowCount === 1;
    });
  }

  /** @returns what an account's password comes to, and how it may be shown; undefined for one that does not exist, or whose app is closed. */
  async secretsOf(appId: AppId, username: string): Promise<(DigestSecrets & { algorithms: SipAlgorithm[] }) | undefined> {
    const { rows } = await this.database.query<AccountRow>(
      `SELECT sip_accounts.* FROM sip_accounts JOIN apps USING (app_id) WHERE app_id = $1 AND username = $2 AND apps.state = 'active'`,
      [appId, username],
    );
    const [row] = rows;
    if (!row) return undefined;
    const secrets = JSON.parse(this.#box.open(`${appId}/${username}`, row.sealed)) as DigestSecrets;
    return { ...secrets, algorithms: row.algorithms };
  }
}

function viewOf({ username, created_at, algorithms }: AccountRow): SipAccountView {
  return { username, createdAt: created_at.toISOString(), algorithms };
}
