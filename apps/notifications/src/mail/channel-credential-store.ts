import { createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import type { AppId, ChannelCredentialBody, ChannelCredentialView } from '@communication-center/contracts';
import { AddressGuard, Postgres, ProblemError, SealedBox, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import type { NotificationsSettings } from '../settings.js';

/** What is sealed of a mail server. */
const secretSchema = z.object({ password: z.string().optional(), dkimKey: z.string().optional() });
type Facts = Omit<ChannelCredentialView, 'savedAt'>;

/** An app's mail server, as it was saved at one time: the version changes with each saving. */
export interface KeptMailServer {
  version: string;
  facts: Facts;
  password?: string | undefined;
  dkimKey?: string | undefined;
}

interface Row {
  version: string;
  facts: Facts;
  sealed: Buffer;
  saved_at: Date;
}

/** Ports on which mail servers take mail of those who sign in, and of each other. */
const mailPorts = new Set([25, 465, 587, 2465, 2525, 2587]);

/** What a secret is sealed for: src/sealed-columns.ts says the same in SQL. */
const ownerOf = (appId: string) => `${appId}/smtp`;
const toView = ({ facts, saved_at }: Row): ChannelCredentialView => ({ ...facts, savedAt: saved_at.toISOString() });

/** Through which mail servers apps send: what is secret of it is sealed, and told to nobody. */
@Injectable()
export class ChannelCredentialStore {
  readonly #box: SealedBox;
  readonly #guard: AddressGuard;

  constructor(
    private readonly database: Postgres,
    @Inject(Settings) private readonly settings: NotificationsSettings,
  ) {
    this.#box = new SealedBox(settings.SECRETS_KEY);
    this.#guard = new AddressGuard(settings);
  }

  /** @throws ProblemError `invalid_request` that names a field whose value may not be used. */
  async save(appId: AppId, body: ChannelCredentialBody): Promise<ChannelCredentialView> {
    this.#requireUsable(body);
    const { password, dkim, ...open } = body;
    const facts: Facts = { ...open, ...(dkim && { dkimDomain: dkim.domain, dkimSelector: dkim.selector }) };
    const secret = JSON.stringify({ password, dkimKey: dkim?.privateKey });
    const { rows } = await this.database.query<Row>(
      `INSERT INTO channel_credentials (app_id, provider, version, facts, sealed) VALUES ($1, 'smtp', $2, $3, $4)
       ON CONFLICT (app_id, provider) DO UPDATE
       SET version = excluded.version, facts = excluded.facts, sealed = excluded.sealed, saved_at = clock_timestamp() RETURNING *`,
      [appId, uuidv7(), facts, this.#box.seal(ownerOf(appId), secret)],
    );
    return toView(rows[0] as Row);
  }

  async list(appId: AppId): Promise<ChannelCredentialView[]> {
    const { rows } = await this.database.query<Row>('SELECT * FROM channel_credentials WHERE app_id = $1 ORDER BY provider', [appId]);
    return rows.map(toView);
  }

  async delete(appId: AppId): Promise<void> {
    await this.database.query("DELETE FROM channel_credentials WHERE app_id = $1 AND provider = 'smtp'", [appId]);
  }

  /** @returns undefined where the app has none. @throws UnopenedError where no key here opens them. */
  async read(appId: AppId): Promise<KeptMailServer | undefined> {
    const { rows } = await this.database.query<Row>("SELECT * FROM channel_credentials WHERE app_id = $1 AND provider = 'smtp'", [appId]);
    const [row] = rows;
    if (!row) return undefined;
    const secret = secretSchema.parse(JSON.parse(this.#box.open(ownerOf(appId), row.sealed)));
    return { version: row.version, facts: row.facts, ...secret };
  }

  #requireUsable({ host, port, security, password, username, dkim }: ChannelCredentialBody): void {
    const inDevelopment = this.settings.PROFILE === 'development';
    this.#guard.requireUrl('host', `https://${isIP(host) === 6 ? `[${host}]` : host}`);
    if (!inDevelopment && !mailPorts.has(port)) refuse('port', `use one of ${[...mailPorts].join(', ')}`);
    if (!inDevelopment && security === 'none') refuse('security', 'use tls or starttls');
    if ((username === undefined) !== (password === undefined)) refuse('password', 'give a user name and a password, or neither');
    if (dkim && !isRsa(dkim.privateKey)) refuse('dkim.privateKey', 'this is no RSA key in PEM');
  }
}

function refuse(field: string, message: string): never {
  throw new ProblemError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
}

function isRsa(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}
