import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { StandInCertificate } from '../push/certificate.js';

/** A message that was taken. */
export interface TwilioSms {
  sid: string;
  to: string;
  from: string;
  body: string;
  /** In seconds. */
  validityPeriod: number;
  statusCallback: string | undefined;
}

type Say = (status: number, answer: object, headers?: Record<string, string>) => void;

/** Acts as Twilio's API of messages: over TLS alone, for who signs in, by forms, and refuses what Twilio would refuse, with its codes. */
export class TwilioStandIn {
  readonly accountSid = `AC${randomBytes(16).toString('hex')}`;
  readonly authToken = randomBytes(16).toString('hex');
  readonly messages: TwilioSms[] = [];
  /** What the next messages are answered with, before any is taken. */
  readonly refusals: { status: number; retryAfter?: number }[] = [];
  /** Codes with which it refused, and requests for messages, whatever became of them. */
  readonly codes: number[] = [];
  asked = 0;
  readonly #server: Server;

  private constructor({ cert, key }: StandInCertificate) {
    this.#server = createServer({ cert, key }, (request, response) => void this.#take(request, response));
  }

  /** @param port a free one when left out. */
  static async start(certificate: StandInCertificate, port = 0): Promise<TwilioStandIn> {
    const started = new TwilioStandIn(certificate);
    await new Promise<void>((resolve) => started.#server.listen(port, '127.0.0.1', resolve));
    return started;
  }

  get place(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Signs what is told to a URL, as Twilio does: the URL, and after it each field with its value, in order. */
  signatureOf(url: string, fields: Record<string, string>): string {
    const signed = Object.keys(fields)
      .toSorted()
      .reduce((text, name) => text + name + fields[name], url);
    return createHmac('sha1', this.authToken).update(signed, 'utf8').digest('base64');
  }

  /** What it posts to the status callback of a message. */
  statusOf({ sid, to, from, statusCallback = '' }: TwilioSms, MessageStatus: string, more: Record<string, string> = {}) {
    const fields = {
      MessageSid: sid,
      SmsSid: sid,
      AccountSid: this.accountSid,
      MessageStatus,
      To: to,
      From: from,
      ApiVersion: '2010-04-01',
      ...more,
    };
    return { url: statusCallback, fields, signature: this.signatureOf(statusCallback, fields) };
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const part of request) body += String(part);
    const say: Say = (status, answer, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json;charset=utf-8', ...headers });
      response.end(JSON.stringify(answer));
    };
    const refuse = (status: number, code: number, message: string, headers?: Record<string, string>) => {
      this.codes.push(code);
      say(status, { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status }, headers);
    };
    const { authorization, host = '' } = request.headers;
    if (!host.startsWith('api.twilio.com')) return refuse(404, 20404, 'The requested resource was not found');
    const basic = Buffer.from(`${this.accountSid}:${this.authToken}`).toString('base64');
    if (authorization !== `Basic ${basic}`) return refuse(401, 20003, 'Authenticate');
    const account = `/2010-04-01/Accounts/${this.accountSid}`;
    if (request.method === 'GET' && request.url === `${account}.json`) return say(200, { sid: this.accountSid, status: 'active' });
    if (request.method !== 'POST' || request.url !== `${account}/Messages.json`)
      return refuse(404, 20404, 'The requested resource was not found');
    this.asked += 1;
    const refusal = this.refusals.shift();
    if (refusal) {
      const { status, retryAfter } = refusal;
      return refuse(
        status,
        status === 429 ? 20429 : 20500,
        'Too Many Requests',
        retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) },
      );
    }
    const isForm = String(request.headers['content-type']).startsWith('application/x-www-form-urlencoded');
    return this.#message(isForm ? new URLSearchParams(body) : new URLSearchParams(), say, refuse);
  }

  #message(form: URLSearchParams, say: Say, refuse: (status: number, code: number, message: string) => void): void {
    const [to, from, body] = ['To', 'From', 'Body'].map((name) => form.get(name) ?? '') as [string, string, string];
    const validityPeriod = Number(form.get('ValidityPeriod') ?? 36_000);
    if (to === '') return refuse(400, 21604, "A 'To' phone number is required.");
    // The number that Twilio itself keeps for this.
    if (!/^\+[1-9]\d{6,14}$/.test(to) || to === '+15005550001') return refuse(400, 21211, `Invalid 'To' Phone Number: ${to}`);
    if (from === '' && !form.get('MessagingServiceSid')) return refuse(400, 21603, "A 'From' phone number is required.");
    if (body === '') return refuse(400, 21602, 'Message body is required.');
    if (body.length > 1600) return refuse(400, 21617, 'The concatenated message body exceeds the 1600 character limit.');
    if (!(validityPeriod >= 1 && validityPeriod <= 36_000)) return refuse(400, 21628, 'ValidityPeriod is out of range');
    const sid = `SM${randomBytes(16).toString('hex')}`;
    this.messages.push({ sid, to, from, body, validityPeriod, statusCallback: form.get('StatusCallback') ?? undefined });
    say(201, { sid, status: 'queued', to, from, body, error_code: null });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
