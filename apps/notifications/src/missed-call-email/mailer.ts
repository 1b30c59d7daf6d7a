import { type LineLog, Log, Settings } from '@communication-center/service';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { createTransport, type Transporter } from 'nodemailer';
import type { NotificationsSettings } from '../settings.js';

export interface Mail {
  /** The same for every attempt, so that a receiver can tell a repeat. */
  messageId: string;
  to: string;
  subject: string;
  text: string;
}

/** `refused` will be refused again (SMTP 5xx, RFC 5321 §4.2.1); `failed` may go through later. */
export type MailResult = { outcome: 'sent' } | { outcome: 'refused' | 'failed'; error: string };

@Injectable()
export class Mailer implements OnApplicationShutdown {
  readonly #transport: Transporter | undefined;

  constructor(
    @Inject(Settings) private readonly settings: NotificationsSettings,
    @Inject(Log) private readonly log: LineLog,
  ) {
    const timeouts = {
      connectionTimeout: settings.MAIL_TIMEOUT_MS,
      greetingTimeout: settings.MAIL_TIMEOUT_MS,
      socketTimeout: settings.MAIL_TIMEOUT_MS,
    };
    this.#transport = settings.SMTP_URL
      ? createTransport({ url: settings.SMTP_URL, pool: true, maxConnections: 4, ...timeouts })
      : undefined;
  }

  /** Whether a mail server is configured at all. */
  get isConfigured(): boolean {
    return this.#transport !== undefined;
  }

  async send(mail: Mail): Promise<MailResult> {
    const result = await this.#hand(mail);
    // Why not is in the row alone: servers like to answer with the address.
    this.log.info({ messageId: mail.messageId, outcome: result.outcome }, 'handed an e-mail over');
    return result;
  }

  async #hand(mail: Mail): Promise<MailResult> {
    if (!this.#transport) return { outcome: 'refused', error: 'SMTP_URL is not set' };
    try {
      await this.#transport.sendMail({ from: this.settings.MAIL_FROM, ...mail, headers: { 'Auto-Submitted': 'auto-generated' } });
      return { outcome: 'sent' };
    } catch (error) {
      const code = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : 0;
      return { outcome: code >= 500 ? 'refused' : 'failed', error: error instanceof Error ? error.message : String(error) };
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.#transport?.close();
  }
}
