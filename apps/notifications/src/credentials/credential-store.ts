import type { AppId, PushCredentialBody, PushCredentialView, PushProvider } from '@communication-center/contracts';
import { Postgres, ProblemError, SealedBox, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { type CredentialFacts, credentialOf, ofParts, type PushCredential, partsOf } from '../domain/credential-facts.js';
import type { NotificationsSettings } from '../settings.js';
import { faultOfKey, newVapidPair } from './key-faults.js';

interface CredentialRow {
  app_id: AppId;
  provider: PushProvider;
  version: string;
  facts: CredentialFacts;
  sealed: Buffer;
  fault: string | null;
  saved_at: Date;
}

/** Credentials as they were saved at one time: the version changes with each saving. */
export interface KeptCredential {
  appId: AppId;
  version: string;
  credential: PushCredential;
}

/** What a secret is sealed for: src/sealed-columns.ts says the same in SQL. */
const ownerOf = (appId: string, provider: PushProvider) => `${appId}/${provider}`;

const toView = ({ provider, facts, fault, saved_at }: CredentialRow): PushCredentialView => ({
  provider,
  savedAt: saved_at.toISOString(),
  fault,
  ...facts,
});

/** With what apps push: what is secret of it is sealed, and told to nobody. */
@Injectable()
export class CredentialStore {
  readonly #box: SealedBox;

  constructor(
    private readonly database: Postgres,
    @Inject(Settings) settings: NotificationsSettings,
  ) {
    this.#box = new SealedBox(settings.SECRETS_KEY);
  }

  /** @throws ProblemError `invalid_request` that names the field of a key its provider would not take. */
  async save(appId: AppId, body: PushCredentialBody): Promise<PushCredentialView> {
    const known = body.provider === 'web_push' && !body.keys ? await this.read(appId, 'web_push') : undefined;
    const credential = credentialOf(body, () => (known?.credential.provider === 'web_push' ? known.credential : newVapidPair()));
    const fault = faultOfKey(credential);
    if (fault) throw new ProblemError('invalid_request', `${fault.field}: ${fault.message}`, { fields: [fault] });
    const { facts, secret } = partsOf(credential);
    const { rows } = await this.database.query<CredentialRow>(
      `INSERT INTO push_credentials (app_id, provider, version, facts, sealed) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (app_id, provider) DO UPDATE
       SET version = excluded.version, facts = excluded.facts, sealed = excluded.sealed, fault = NULL, saved_at = clock_timestamp() RETURNING *`,
      [appId, body.provider, uuidv7(), facts, this.#box.seal(ownerOf(appId, body.provider), secret)],
    );
    return toView(rows[0] as CredentialRow);
  }

  async list(appId: AppId): Promise<PushCredentialView[]> {
    const { rows } = await this.database.query<CredentialRow>('SELECT * FROM push_credentials WHERE app_id = $1 ORDER BY provider', [
      appId,
    ]);
    return rows.map(toView);
  }

  /** @returns whether there were any. */
  async delete(appId: AppId, provider: PushProvider): Promise<boolean> {
    const { rowCount } = await this.database.query('DELETE FROM push_credentials WHERE app_id = $1 AND provider = $2', [appId, provider]);
    return rowCount === 1;
  }

  /** @returns undefined where the app has none. @throws UnopenedError where no key here opens them. */
  async read(appId: AppId, provider: PushProvider): Promise<KeptCredential | undefined> {
    const { rows } = await this.database.query<CredentialRow>('SELECT * FROM push_credentials WHERE app_id = $1 AND provider = $2', [
      appId,
      provider,
    ]);
    const [row] = rows;
    if (!row) return undefined;
    return { appId, version: row.version, credential: ofParts(provider, row.facts, this.#box.open(ownerOf(appId, provider), row.sealed)) };
  }

  /** Notes what a provider says against credentials, for their owner to read; null when it takes them again. */
  async noteFault(appId: AppId, provider: PushProvider, version: string, fault: string | null): Promise<void> {
    await this.database.query('UPDATE push_credentials SET fault = $4 WHERE app_id = $1 AND provider = $2 AND version = $3', [
      appId,
      provider,
      version,
      fault,
    ]);
  }

  /** @returns the version of all that there are, by app and provider. */
  async versions(): Promise<{ appId: AppId; provider: PushProvider; version: string }[]> {
    const { rows } = await this.database.background.query<{ appId: AppId; provider: PushProvider; version: string }>(
      'SELECT app_id AS "appId", provider, version FROM push_credentials',
    );
    return rows;
  }

  /** @returns the apps that have the pushes of rings told as events. */
  async tellingRings(): Promise<AppId[]> {
    const { rows } = await this.database.background.query<{ appId: AppId }>('SELECT app_id AS "appId" FROM notification_logs WHERE rings');
    return rows.map(({ appId }) => appId);
  }

  /** @returns what changes whenever {@link versions} or {@link tellingRings} does. */
  async mark(): Promise<string> {
    const { rows } = await this.database.background.query<{ mark: string }>(
      `SELECT count(*) || coalesce(max(version::text), 'none')
         || (SELECT count(*) || coalesce(max(saved_at)::text, '') FROM notification_logs) AS mark FROM push_credentials`,
    );
    return rows[0]?.mark ?? '';
  }
}
