import type { AddressInfo } from 'node:net';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import type { StandInCertificate } from '../push/certificate.js';
import { judgeDkim } from './dkim.js';

export interface ArrivedMail extends ParsedMail {
  /** Which header fields its signature covers; none where it has none. */
  signed: readonly string[];
}

export interface SmtpStandInOptions {
  certificate: StandInCertificate;
  username: string;
  password: string;
  /** In PEM: mails that are not signed by its pair are refused. */
  dkimKey?: string;
}

const refusal = (responseCode: number, message: string) => Object.assign(new Error(message), { responseCode });

/**
 * A mail server that acts as a real one: it takes nothing before STARTTLS and a sign-in, knows no mailbox whose name begins with `nobody`, and refuses what
 * is not signed as it should be. It can be told to put mails off, and to hang.
 */
export class SmtpStandIn {
  readonly mails: ArrivedMail[] = [];
  /** Mails that are put off (451) before any is taken. */
  putsOff = 0;
  /** Whether it takes mails and never says so. */
  hangs = false;
  /** Mails that it was asked to take, refused ones too. */
  asked = 0;
  readonly #server: SMTPServer;
  readonly #options: SmtpStandInOptions;

  private constructor(options: SmtpStandInOptions) {
    this.#options = options;
    const { certificate, username, password } = options;
    this.#server = new SMTPServer({
      key: certificate.key,
      cert: certificate.cert,
      closeTimeout: 100,
      onAuth: ({ username: name, password: said }, _session, done) =>
        name === username && said === password ? done(null, { user: name }) : done(refusal(535, '5.7.8 no such user, or another password')),
      onRcptTo: ({ address }, _session, done) => {
        this.asked += 1;
        if (address.startsWith('nobody')) return done(refusal(550, `5.1.1 <${address}>: no such mailbox`));
        done();
      },
      onData: (stream, _session, done) => {
        const pieces: Buffer[] = [];
        stream.on('data', (piece: Buffer) => pieces.push(piece));
        stream.on('end', () => void this.#take(Buffer.concat(pieces).toString('latin1'), done));
      },
    });
    this.#server.on('error', () => undefined);
  }

  static async start(options: SmtpStandInOptions): Promise<SmtpStandIn> {
    const made = new SmtpStandIn(options);
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  async #take(raw: string, done: (error?: Error | null) => void): Promise<void> {
    const { dkimKey } = this.#options;
    const judged = dkimKey === undefined ? undefined : judgeDkim(raw, dkimKey);
    if (judged?.fault !== undefined) return done(refusal(550, `5.7.20 DKIM: ${judged.fault}`));
    if (this.putsOff > 0) {
      this.putsOff -= 1;
      return done(refusal(451, '4.7.1 greylisted, try later'));
    }
    const mail = await simpleParser(Buffer.from(raw, 'latin1'));
    this.mails.push(Object.assign(mail, { signed: judged ? judged.covers : [] }));
    if (!this.hangs) done();
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
