import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { eventually } from './eventually.js';
import type { Fleet } from './fleet.js';

/** A real SMTP server where the fleet sends its mail; keeps what it got. */
export class MailServer {
  readonly mails: ParsedMail[] = [];
  /** How many mails to an address are refused for now (SMTP 451). */
  readonly refusals = new Map<string, number>();
  /** Whether it takes mails and never says so, and how many it has left so. */
  hangs = false;
  unanswered = 0;
  readonly #server: SMTPServer;

  private constructor() {
    this.#server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      closeTimeout: 100,
      onData: (stream, _session, done) => {
        simpleParser(stream).then((mail) => {
          if (this.hangs) {
            this.unanswered += 1;
            return;
          }
          if (this.#isRefused(mail)) {
            done(Object.assign(new Error('try later'), { responseCode: 451 }));
            return;
          }
          this.mails.push(mail);
          done();
        }, done);
      },
    });
  }

  #isRefused({ to }: ParsedMail): boolean {
    const address = [to].flat()[0]?.text ?? '';
    const left = this.refusals.get(address) ?? 0;
    this.refusals.set(address, left - 1);
    return left > 0;
  }

  /** The fleet knows one address: who else wants to be it waits until it is free. */
  static async start(fleet: Fleet): Promise<MailServer> {
    return eventually("the mail server's port being free", () => MailServer.#listen(fleet).catch(() => undefined), 50_000);
  }

  static async #listen(fleet: Fleet): Promise<MailServer> {
    const mail = new MailServer();
    await new Promise<void>((resolve, reject) => {
      mail.#server.on('error', reject);
      mail.#server.listen(fleet.state.ports.smtp, '127.0.0.1', resolve);
    });
    return mail;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
