import type { Duplex } from 'node:stream';
import type { PDU, Session } from 'smpp';
import type { AnswerPdu } from '../domain/sms-answers.js';
import { smppOutcome, smppStatus } from '../domain/sms-outcome.js';

export interface SmscOptions {
  systemId: string;
  password: string;
  systemType: string;
  /** Submissions without an answer at a time. */
  window: number;
  /** How long the SMSC has for each answer. */
  timeoutMs: number;
  /** After so long it is asked whether it is still there. */
  enquireMs: number;
  /** Takes a receipt, or what a phone answers. @returns the status that the SMSC is told: other than 0, it tells it again. */
  onReceipt: (pdu: AnswerPdu) => Promise<number>;
}

/** That an SMSC did not let us in, with what it said. */
export class BindRefused extends Error {
  constructor(readonly status: number) {
    super(smppOutcome(status).reason);
  }
}

interface Waiting {
  answered: (pdu: PDU) => void;
  failed: (error: Error) => void;
}

/** Receipts in hand at a time: the SMSC waits with more. */
const mostReceipts = 16;
const invalidCommand = 0x03;

async function library() {
  // Bundled, it runs as strict code, where what it assigns and never declares has to be there.
  Object.assign(globalThis, { skipUdh: undefined });
  return (await import('smpp')).default;
}

/** One connection to an SMSC, bound as a transceiver (SMPP 3.4): what is submitted goes out on it, and receipts come in. */
export class SmscConnection {
  readonly #waiting = new Map<number, Waiting>();
  readonly #turns: (() => void)[] = [];
  #underWay = 0;
  #receipts = 0;
  #isOpen = false;
  #end: Error | undefined;
  readonly #timer: NodeJS.Timeout;

  private constructor(
    private readonly session: Session,
    private readonly make: typeof PDU,
    private readonly options: SmscOptions,
    onEnd: () => void,
  ) {
    session.on('pdu', (pdu: PDU) => this.#take(pdu));
    session.on('error', (error: Error) => this.#endWith(error));
    session.on('close', () => {
      this.#endWith(new Error('the SMSC closed the connection'));
      onEnd();
    });
    this.#timer = setInterval(() => void this.#request('enquire_link').catch(() => undefined), options.enquireMs);
    this.#timer.unref();
  }

  /**
   * Binds over a socket that is connected.
   * @param onEnd is told once that it is closed, whoever did so.
   * @throws BindRefused, or what went wrong on the way.
   */
  static async bind(socket: Duplex, options: SmscOptions, onEnd: () => void): Promise<SmscConnection> {
    const { PDU: make, Session: Made } = await library();
    const connection = new SmscConnection(new Made({ socket }), make, options, onEnd);
    const { systemId, password, systemType } = options;
    const names = { system_id: systemId, password, system_type: systemType, interface_version: 0x34 };
    try {
      const { command_status: status } = await connection.#request('bind_transceiver', names);
      if (status !== smppStatus.ok) throw new BindRefused(status);
    } catch (error) {
      connection.#endWith(error as Error);
      throw error;
    }
    connection.#isOpen = true;
    return connection;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Submits in its turn. @returns what the SMSC answered. @throws where no answer came: whether it took it is not known then. */
  async submit(parameters: Record<string, unknown>): Promise<{ status: number; messageId: string }> {
    if (this.#underWay >= this.options.window) await new Promise<void>((go) => this.#turns.push(go));
    else this.#underWay += 1;
    try {
      const answer = await this.#request('submit_sm', parameters);
      return { status: answer.command_status, messageId: String(answer.message_id ?? '') };
    } finally {
      const next = this.#turns.shift();
      if (next) next();
      else this.#underWay -= 1;
    }
  }

  /** Asks whether the SMSC is still there. @throws where it is not. */
  async enquire(): Promise<void> {
    await this.#request('enquire_link');
  }

  /** Unbinds, and closes whatever it is answered. */
  async close(): Promise<void> {
    if (this.#end) return;
    await this.#request('unbind').catch(() => undefined);
    this.#endWith(new Error('the connection is closed'));
  }

  async #request(command: string, parameters: Record<string, unknown> = {}): Promise<PDU> {
    if (this.#end) throw this.#end;
    const pdu = new this.make(command, parameters);
    const { promise, resolve: answered, reject: failed } = Promise.withResolvers<PDU>();
    if (!this.session.send(pdu)) throw new Error('the connection takes nothing any more');
    const { sequence_number: number } = pdu;
    this.#waiting.set(number, { answered, failed });
    // An SMSC that gives no answer to one gives none to the others: what is behind it is told so.
    const late = setTimeout(() => this.#endWith(new Error(`the SMSC gave no answer to ${command} in time`)), this.options.timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#waiting.delete(number);
    }
  }

  #take(pdu: PDU): void {
    if (pdu.isResponse()) {
      this.#waiting.get(pdu.sequence_number)?.answered(pdu);
      return;
    }
    if (pdu.command === 'deliver_sm') void this.#takeReceipt(pdu);
    else if (pdu.command === 'enquire_link') this.session.send(pdu.response());
    else if (pdu.command === 'unbind') {
      this.session.send(pdu.response());
      this.#endWith(new Error('the SMSC unbound'));
    } else if (pdu.command === 'data_sm' || pdu.command === 'unknown') this.session.send(pdu.response({ command_status: invalidCommand }));
  }

  async #takeReceipt(pdu: PDU): Promise<void> {
    this.#receipts += 1;
    if (this.#receipts >= mostReceipts) this.session.pause();
    const { esm_class, receipted_message_id, message_state, source_addr, source_addr_ton } = pdu;
    let status: number = smppStatus.temporary;
    try {
      status = await this.options.onReceipt({
        ...{ esm_class, receipted_message_id, message_state, source_addr, source_addr_ton },
        text: textOf(pdu),
      });
    } catch {
      // Told by whoever takes them; the SMSC has it still, and says it again.
    }
    this.#receipts -= 1;
    if (this.#end) return;
    this.session.send(pdu.response({ command_status: status }));
    if (this.#receipts < mostReceipts) this.session.resume();
  }

  #endWith(error: Error): void {
    if (this.#end) return;
    this.#end = error;
    this.#isOpen = false;
    clearInterval(this.#timer);
    for (const { failed } of this.#waiting.values()) failed(error);
    for (const go of this.#turns.splice(0)) go();
    this.session.destroy();
  }
}

/** What stands in a message, wherever the SMSC puts it. */
function textOf({ short_message: short, message_payload: payload }: PDU): string {
  const text = (one: unknown): string => {
    const said = typeof one === 'object' && one !== null && 'message' in one ? one.message : one;
    return typeof said === 'string' ? said : Buffer.isBuffer(said) ? said.toString('latin1') : '';
  };
  return text(short) || text(payload);
}
