import type { AddressInfo, Server } from 'node:net';
import smpp, { type PDU, type Session } from 'smpp';
import type { StandInCertificate } from '../push/certificate.js';

export interface SmscStandInOptions {
  systemId: string;
  password: string;
  /** With it, it speaks TLS. */
  certificate?: StandInCertificate;
  /** A free one when left out. */
  port?: number;
}

/** One part that was taken. */
export interface SubmittedSms {
  id: string;
  to: string;
  from: string;
  text: string;
  /** Of a part of several: the reference, how many, which. */
  part: { reference: number; count: number; index: number } | undefined;
  dataCoding: number;
  /** Until when it is of use, as it came. */
  validUntil: unknown;
}

const status = {
  ok: 0,
  notBound: 0x04,
  boundAlready: 0x05,
  invalidNumber: 0x0b,
  bindFailed: 0x0d,
  wrongPassword: 0x0e,
  wrongId: 0x0f,
  wrongKind: 0x50,
  throttled: 0x58,
};
const repeatMs = 100;

/**
 * A message centre that acts as a real one (SMPP 3.4): it lets nobody do anything before a bind with its password, knows no number that begins with 4900,
 * throttles when told to, and tells receipts on any connection that is bound, again until they are acknowledged.
 */
export class SmscStandIn {
  readonly taken: SubmittedSms[] = [];
  /** Statuses that the next submissions are answered with, before any is taken. */
  readonly refusals: number[] = [];
  /** What receipts say; null for none. */
  receipt: 'DELIVRD' | 'UNDELIV' | null = 'DELIVRD';
  /** Whether receipts have their text as a payload, as some message centres do. */
  usesPayload = false;
  /** Whether it takes submissions and never says so. */
  hangs = false;
  /** Connections that may be bound at a time. */
  mostBinds = 10;
  /** Submissions, refused ones too, and binds that were let in. */
  asked = 0;
  binds = 0;
  readonly #bound = new Set<Session>();
  readonly #sessions = new Set<Session>();
  readonly #receipts = new Map<string, PDU>();
  readonly #server: Server;
  readonly #timer: NodeJS.Timeout;

  private constructor(private readonly options: SmscStandInOptions) {
    const { certificate } = options;
    this.#server = smpp.createServer(certificate ? { key: certificate.key, cert: certificate.cert } : {}, (session) => this.#meet(session));
    // Whoever lets go of a connection half made is no reason to end.
    this.#server.on('error', () => undefined);
    this.#timer = setInterval(() => this.#tellAgain(), repeatMs);
  }

  static async start(options: SmscStandInOptions): Promise<SmscStandIn> {
    const made = new SmscStandIn(options);
    await new Promise<void>((resolve, reject) => {
      made.#server.once('error', reject);
      made.#server.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get unacknowledged(): number {
    return this.#receipts.size;
  }

  /** What phones show: parts put together, each text once, in the order in which their last part came. */
  get texts(): { to: string; text: string }[] {
    const whole = new Map<string, string[]>();
    const shown: { to: string; text: string }[] = [];
    for (const { to, text, part } of this.taken) {
      if (!part) {
        shown.push({ to, text });
        continue;
      }
      const key = `${to}/${part.reference}/${part.count}`;
      const parts = whole.get(key) ?? [];
      parts[part.index - 1] = text;
      whole.set(key, parts);
      if (Object.keys(parts).length === part.count) shown.push({ to, text: parts.join('') });
    }
    return shown;
  }

  /** Breaks every connection, as a network does. */
  breakAll(): void {
    for (const session of this.#sessions) session.destroy();
  }

  /** Has a phone answer to the sender of an SMS, on a connection that is bound. @returns the status with which that is taken. */
  answers(from: string, text: string, to = 'Shop'): Promise<number> {
    const [session] = this.#bound;
    if (!session) throw new Error('Nobody is bound');
    const addresses = { source_addr_ton: 1, source_addr_npi: 1, source_addr: from, destination_addr: to };
    const pdu = new smpp.PDU('deliver_sm', { ...addresses, esm_class: 0, short_message: { message: text } });
    return new Promise((resolve) => session.send(pdu, ({ command_status: taken }) => resolve(taken)));
  }

  #meet(session: Session): void {
    this.#sessions.add(session);
    session.on('error', () => session.destroy());
    session.on('close', () => {
      this.#sessions.delete(session);
      this.#bound.delete(session);
    });
    session.on('pdu', (pdu: PDU) => {
      if (pdu.isResponse()) return;
      const answer = this.#answer(session, pdu);
      if (answer) session.send(pdu.response(answer));
      if (pdu.command === 'bind_transceiver' && answer?.command_status === status.ok) this.#tellAgain();
    });
  }

  #answer(session: Session, pdu: PDU): { command_status: number; [name: string]: unknown } | undefined {
    switch (pdu.command) {
      case 'bind_transceiver':
        return { command_status: this.#bind(session, pdu), system_id: 'stand-in' };
      case 'enquire_link':
        return { command_status: status.ok };
      case 'unbind':
        this.#bound.delete(session);
        return { command_status: status.ok };
      case 'submit_sm':
        return this.#submit(session, pdu);
      default:
        return { command_status: status.bindFailed };
    }
  }

  #bind(session: Session, { system_id: id, password }: PDU): number {
    if (this.#bound.has(session) || this.#bound.size >= this.mostBinds) return status.boundAlready;
    if (id !== this.options.systemId) return status.wrongId;
    if (password !== this.options.password) return status.wrongPassword;
    this.#bound.add(session);
    this.binds += 1;
    return status.ok;
  }

  #submit(session: Session, pdu: PDU): { command_status: number; message_id?: string } | undefined {
    if (!this.#bound.has(session)) return { command_status: status.notBound };
    this.asked += 1;
    const refusal = this.refusals.shift();
    if (refusal !== undefined) return { command_status: refusal };
    const to = String(pdu.destination_addr);
    if (pdu.dest_addr_ton !== 1 || pdu.dest_addr_npi !== 1) return { command_status: status.wrongKind };
    if (!/^[1-9]\d{4,14}$/.test(to) || to.startsWith('4900')) return { command_status: status.invalidNumber };
    const { message, udh } = pdu.short_message as { message: string; udh?: Buffer[] };
    const [, , reference = 0, count = 0, index = 0] = udh?.[0] ?? [];
    const id = `sm-${this.taken.length + 1}-${Math.random().toString(36).slice(2, 8)}`;
    this.taken.push({
      ...{
        id,
        to,
        from: String(pdu.source_addr),
        text: String(message),
        dataCoding: Number(pdu.data_coding),
        validUntil: pdu.validity_period,
      },
      part: udh ? { reference, count, index } : undefined,
    });
    if (this.hangs) return undefined;
    if (Number(pdu.registered_delivery) & 1 && this.receipt) {
      this.#receipts.set(id, this.#receiptOf(id, to, String(pdu.source_addr), this.receipt));
      setImmediate(() => this.#tellAgain());
    }
    return { command_status: status.ok, message_id: id };
  }

  #tellAgain(): void {
    const [session] = this.#bound;
    if (!session) return;
    for (const [id, { ...parameters }] of this.#receipts) {
      const pdu = new smpp.PDU('deliver_sm', { ...parameters, sequence_number: 0 });
      session.send(pdu, (answer) => {
        if (answer.command_status === status.ok) this.#receipts.delete(id);
      });
    }
  }

  #receiptOf(id: string, to: string, from: string, stat: string): PDU {
    const isDelivered = stat === 'DELIVRD';
    const counts = `sub:001 dlvrd:${isDelivered ? '001' : '000'} submit date:2611281000 done date:2611281001`;
    const text = `id:${id} ${counts} stat:${stat} err:${isDelivered ? '000' : '011'} text:`;
    const addresses = { source_addr_ton: 1, source_addr_npi: 1, source_addr: to, destination_addr: from };
    const said = this.usesPayload ? { message_payload: text } : { short_message: { message: text } };
    return new smpp.PDU('deliver_sm', { ...addresses, esm_class: 0x04, ...said });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.breakAll();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
