import type { AppId, ChannelCredentialBody, ChannelCredentialView, ChannelProvider } from '@communication-center/contracts';
import { Postgres, SealedBox, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { NotificationsSettings } from '../settings.js';
import { type ChannelFacts, type ChannelSecret, channelSecretSchema, partsOfChannel } from './channel-parts.js';
import { UsableChannels } from './usable-channels.js';

/** Credentials as they were saved at one time: the version changes with each saving. */
export interface KeptChannel<P extends ChannelProvider> {
  version: string;
  facts: ChannelFacts & { provider: P };
  secret: ChannelSecret;
}

interface Row {
  provider: ChannelProvider;
  version: string;
  facts: ChannelFacts;
  sealed: Buffer;
  saved_at: Date;
}

/** What a secret is sealed for: src/sealed-columns.ts says the same in SQL. */
const ownerOf = (appId: string, provider: ChannelProvider) => `${appId}/${provider}`;
const toView = ({ facts, saved_at }: Row): ChannelCredentialView => ({ ...facts, savedAt: saved_at.toISOString() });

/** Through what apps send e-mails and SMS: what is secret of it is sealed, and told to nobody. */
@Injectable()
export class ChannelCredentialStore {
  readonly #box: SealedBox;
  readonly #usable: UsableChannels;

  constructor(
    private readonly database: Postgres,
    @Inject(Settings) settings: NotificationsSettings,
  ) {
    this.#box = new SealedBox(settings.SECRETS_KEY);
    this.#usable = new UsableChannels(settings);
  }

  /** @throws ProblemError `invalid_request` that names a field whose value may not be used. */
  async save(appId: AppId, body: ChannelCredentialBody): Promise<ChannelCredentialView> {
    this.#usable.require(body);
    const { facts, secret } = partsOfChannel(body);
    const { provider } = body;
    const { rows } = await this.database.query<Row>(
      `INSERT INTO channel_credentials (app_id, provider, version, facts, sealed) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (app_id, provider) DO UPDATE
       SET version = excluded.version, facts = excluded.facts, sealed = excluded.sealed, saved_at = clock_timestamp() RETURNING *`,
      [appId, provider, uuidv7(), facts, this.#box.seal(ownerOf(appId, provider), JSON.stringify(secret))],
    );
    return toView(rows[0] as Row);
  }

  async list(appId: AppId): Promise<ChannelCredentialView[]> {
    const { rows } = await this.database.query<Row>('SELECT * FROM channel_credentials WHERE app_id = $1 ORDER BY provider', [appId]);
    return rows.map(toView);
  }

  async delete(appId: AppId, provider: ChannelProvider): Promise<void> {
    await this.database.query('DELETE FROM channel_credentials WHERE app_id = $1 AND provider = $2', [appId, provider]);
  }

  /** @returns undefined where the app has none. @throws UnopenedError where no key here opens them. */
  async read<P extends ChannelProvider>(appId: AppId, provider: P): Promise<KeptChannel<P> | undefined> {
    const { rows } = await this.database.query<Row>('SELECT * FROM channel_credentials WHERE app_id = $1 AND provider = $2', [
      appId,
      provider,
    ]);
    const [row] = rows;
    if (!row) return undefined;
    const secret = channelSecretSchema.parse(JSON.parse(this.#box.open(ownerOf(appId, provider), row.sealed)));
    // Rows of the releases before are of mail servers, and say so.
    return { version: row.version, facts: row.facts as KeptChannel<P>['facts'], secret };
  }

  /** @returns the version of the credentials with which an app sends SMS; an SMSC comes first. */
  async ofSms(appId: AppId): Promise<{ provider: 'smpp' | 'twilio'; version: string } | undefined> {
    const { rows } = await this.database.query<{ provider: 'smpp' | 'twilio'; version: string }>(
      "SELECT provider, version FROM channel_credentials WHERE app_id = $1 AND provider IN ('smpp', 'twilio') ORDER BY provider LIMIT 1",
      [appId],
    );
    return rows[0];
  }
}
