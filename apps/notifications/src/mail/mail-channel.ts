import { isIP } from 'node:net';
import type { AppId } from '@communication-center/contracts';
import { AddressGuard, type LineLog, Log, Settings } from '@communication-center/service';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import type { SMTPTransportGetSocketCallback } from 'nodemailer/lib/smtp-transport';
import { KeptClients } from '../channels/kept-clients.js';
import { trusted } from '../channels/trusted.js';
import { mailOutcome, type SendOutcome } from '../domain/mail-outcome.js';
import type { NotificationsSettings } from '../settings.js';
import { ChannelCredentialStore, type KeptChannel } from './channel-credential-store.js';

export interface Letter {
  /** The same for every attempt, so that a receiver can tell a repeat. */
  notificationId: string;
  to: string;
  subject: string;
  text: string;
  html?: string | undefined;
  /** By which the receiver is told by e-mail no more. */
  unsubscribe?: string | undefined;
}

interface Client {
  transport: Transporter;
  from: string | { name: string; address: string };
}

const signedHeaders =
  'From:Sender:Reply-To:Subject:Date:Message-ID:To:MIME-Version:Content-Type:Content-Transfer-Encoding:Auto-Submitted:List-Unsubscribe:List-Unsubscribe-Post';
const connectionsOfOneApp = 2;

/** Hands e-mails over: to an app's own mail server, over connections that are kept, or to the installation's. */
@Injectable()
export class Mail implements OnApplicationShutdown {
  readonly #clients = new KeptClients<Client>(({ transport }) => transport.close());
  readonly #installation: Client | undefined;
  readonly #guard: AddressGuard;

  constructor(
    private readonly credentials: ChannelCredentialStore,
    @Inject(Settings) private readonly settings: NotificationsSettings,
    @Inject(Log) private readonly log: LineLog,
  ) {
    this.#guard = new AddressGuard(settings);
    const { SMTP_URL: url, MAIL_FROM: from } = settings;
    if (url) this.#installation = { transport: createTransport({ url, pool: true, maxConnections: 4, ...this.#timeouts() }), from };
  }

  /** Whether e-mails of apps without a mail server of their own are taken. */
  get isConfigured(): boolean {
    return this.#installation !== undefined;
  }

  /**
   * @param version of the app's mail server, where the caller knows it; null where it has none.
   * @returns what became of it: never throws.
   */
  async send(appId: AppId, letter: Letter, version?: string | null): Promise<SendOutcome> {
    const outcome = await this.#hand(appId, letter, version);
    // Why not is in the row alone: servers like to answer with the address.
    this.log.info({ notificationId: letter.notificationId, outcome: outcome.outcome }, 'handed an e-mail over');
    return outcome;
  }

  /** Signs in at the app's mail server. @returns undefined where it has none. */
  async verify(appId: AppId): Promise<SendOutcome | undefined> {
    const kept = await this.credentials.read(appId, 'smtp');
    if (!kept) return undefined;
    const { transport } = await this.#connect(kept);
    try {
      await transport.verify();
      return { outcome: 'accepted' };
    } catch (error) {
      return outcomeOf(error);
    } finally {
      transport.close();
    }
  }

  async #hand(appId: AppId, { notificationId, unsubscribe, ...letter }: Letter, version?: string | null): Promise<SendOutcome> {
    try {
      const client = await this.#clientOf(appId, version);
      if (!client) return { outcome: 'refused', reason: 'the app has no mail server, and SMTP_URL is not set', isOfAddress: false };
      await client.transport.sendMail({
        ...letter,
        from: client.from,
        messageId: `<${notificationId}@communication-center>`,
        headers: {
          'Auto-Submitted': 'auto-generated',
          ...(unsubscribe && { 'List-Unsubscribe': `<${unsubscribe}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }),
        },
        // What stands in a template is text, and leads nowhere.
        disableFileAccess: true,
        disableUrlAccess: true,
      });
      return { outcome: 'accepted' };
    } catch (error) {
      return outcomeOf(error);
    }
  }

  async #clientOf(appId: AppId, version: string | null | undefined): Promise<Client | undefined> {
    if (version === null) return this.#installation;
    const kept = version === undefined ? await this.credentials.read(appId, 'smtp') : undefined;
    const now = version ?? kept?.version;
    if (now === undefined) return this.#installation;
    return this.#clients.get(appId, now, async () => {
      const server = kept ?? (await this.credentials.read(appId, 'smtp'));
      if (!server) throw new Error('the mail server of the app was taken away just now');
      return this.#connect(server);
    });
  }

  /** Each connection passes the guard of addresses, as what an app names must. */
  async #connect({ facts, secret: { password, dkimKey } }: KeptChannel<'smtp'>): Promise<Client> {
    const { host, port, security, username, from, fromName, dkimDomain, dkimSelector } = facts;
    const ca = await trusted(this.settings.PUSH_CA_FILE);
    const reach = this.#guard.connector();
    const getSocket = (_options: unknown, done: SMTPTransportGetSocketCallback) =>
      reach({ hostname: host, host, protocol: 'http:', port: String(port) }, (error, connection) =>
        connection ? done(null, { connection }) : done(error ?? new Error('not connected')),
      );
    const transport = createTransport({
      host,
      port,
      pool: true,
      maxConnections: connectionsOfOneApp,
      getSocket,
      secure: security === 'tls',
      ...(security === 'starttls' && { requireTLS: true }),
      ...(security === 'none' && { ignoreTLS: true }),
      tls: { ...(ca && { ca }), ...(isIP(host) === 0 && { servername: host }), minVersion: 'TLSv1.2' },
      ...(username !== undefined && password !== undefined && { auth: { user: username, pass: password } }),
      ...(dkimKey !== undefined && {
        dkim: { domainName: dkimDomain ?? '', keySelector: dkimSelector ?? '', privateKey: dkimKey, headerFieldNames: signedHeaders },
      }),
      ...this.#timeouts(),
    });
    return { transport, from: fromName === undefined ? from : { name: fromName, address: from } };
  }

  #timeouts() {
    const { MAIL_TIMEOUT_MS: most } = this.settings;
    return { connectionTimeout: most, greetingTimeout: most, socketTimeout: most };
  }

  async onApplicationShutdown(): Promise<void> {
    this.#installation?.transport.close();
    await this.#clients.closeAll();
  }
}

function outcomeOf(error: unknown): SendOutcome {
  const { responseCode, command, code, message } = error as { responseCode?: number; command?: string; code?: string; message?: string };
  return mailOutcome({ status: responseCode ?? 0, command: command ?? '', code: code ?? '', message: message ?? String(error) });
}
