import { randomBytes } from 'node:crypto';
import type { Presence } from '@communication-center/contracts';
import { dialogsOf, packages } from '../domain/documents.js';
import { type SipResponse, serialise } from '../messages/sip-message.js';
import type { SipTransport } from '../transport/sip-transport.js';
import { type Contacts, contactOf } from './contacts.js';
import type { Subscription } from './subscription.js';

/** RFC 3261 §17.1.2.2: timer E begins with T1 and doubles up to T2; timer F is 64 T1. */
const t1Ms = 500;
const t2Ms = 4000;
const giveUpMs = 64 * t1Ms;

interface InFlight {
  branch: string;
  text: string;
  timer: NodeJS.Timeout;
  startedAt: number;
}

export interface NotifierOptions {
  transport: SipTransport;
  contacts: Contacts;
  /** Called before each NOTIFY is sent, with its numbers raised. */
  onNumbered: (subscription: Subscription) => void;
  /** Called when the phone refused, or did not answer: the subscription is over (RFC 6665 §4.2.2). */
  onLost: (subscription: Subscription) => void;
  onError: (error: unknown, doing: string) => void;
}

/** Sends one subscription's NOTIFYs, one at a time: what changes meanwhile is told by the next, as it is by then. */
export class Notifier {
  #inFlight: InFlight | undefined;
  #waiting: { presence: Presence | undefined; state: string } | undefined;
  /** What the last document says, whatever its version. */
  #shown: string | undefined;
  #hasBegun = false;
  #ended = false;

  constructor(
    readonly subscription: Subscription,
    private readonly options: NotifierOptions,
  ) {}

  /**
   * Tells a change, where it is one to this package: a busy lamp has no word for a second device (RFC 4235 §4.5). What comes before
   * the first NOTIFY is told by that.
   */
  changed(presence: Presence): void {
    if (!this.#hasBegun) return;
    if (this.#waiting || this.#contentOf(presence) !== this.#shown) this.notify(presence);
  }

  /** @param presence undefined for a NOTIFY without a document. @param ended why the subscription ends, where it does. */
  notify(presence: Presence | undefined, ended?: 'timeout' | 'noresource' | 'deactivated'): void {
    const left = Math.max(0, Math.ceil((this.subscription.expiresAt - Date.now()) / 1000));
    this.#waiting = { presence, state: ended ? `terminated;reason=${ended}` : `active;expires=${left}` };
    this.#hasBegun = true;
    if (ended) this.#ended = true;
    this.#next();
  }

  /** @returns whether this response was to a NOTIFY of this subscription. */
  take({ status, branch }: SipResponse): boolean {
    if (this.#inFlight?.branch !== branch) return false;
    if (status < 200) return true;
    this.#settle();
    if (status >= 300 && !this.#ended) this.options.onLost(this.subscription);
    else this.#next();
    return true;
  }

  stop(): void {
    this.#settle();
    this.#waiting = undefined;
  }

  #next(): void {
    const next = this.#waiting;
    if (!next || this.#inFlight) return;
    this.#waiting = undefined;
    const branch = `z9hG4bK${randomBytes(12).toString('hex')}`;
    const text = this.#tryToWrite(branch, next.presence, next.state);
    if (text === undefined) return;
    this.#inFlight = { branch, text, startedAt: Date.now(), timer: this.#retransmitIn(t1Ms) };
    this.options.onNumbered(this.subscription);
    this.options.transport.send(text, this.subscription.peer);
  }

  /** A subscription that cannot be told anything is lost: nobody else's may be held up by it. */
  #tryToWrite(branch: string, presence: Presence | undefined, state: string): string | undefined {
    try {
      return this.#write(branch, presence, state);
    } catch (error) {
      this.options.onError(error, 'writing a NOTIFY');
      if (!this.#ended) this.options.onLost(this.subscription);
      return undefined;
    }
  }

  #write(branch: string, presence: Presence | undefined, state: string): string {
    const one = this.subscription;
    one.localCseq += 1;
    const { contentType, write } = packages[one.package];
    const body = presence ? write(presence, { appId: one.appId, version: one.version++, told: one.told }) : '';
    if (presence) {
      this.#shown = this.#contentOf(presence);
      if (one.package === 'dialog') one.told = dialogsOf(presence, one.told);
    }
    const contact = contactOf(one, this.options.contacts);
    return serialise(
      `NOTIFY ${one.remoteTarget} SIP/2.0`,
      [
        ['Via', `SIP/2.0/${one.peer.transport.toUpperCase()} ${contact.host};branch=${branch};rport`],
        ['Max-Forwards', '70'],
        ['From', `<${one.localUri}>;tag=${one.localTag}`],
        ['To', `<${one.remoteUri}>;tag=${one.remoteTag}`],
        ['Call-ID', one.callId],
        ['CSeq', `${one.localCseq} NOTIFY`],
        ['Contact', contact.header],
        ['Event', one.package],
        ['Subscription-State', state],
        ...(presence ? [['Content-Type', contentType] as [string, string]] : []),
      ],
      body,
    );
  }

  #contentOf(presence: Presence): string {
    const { appId, told } = this.subscription;
    const live = told.filter(({ callId }) => presence.calls.some((call) => call.callId === callId));
    return packages[this.subscription.package].write(presence, { appId, version: 0, told: live });
  }

  #retransmitIn(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      const flight = this.#inFlight;
      if (!flight) return;
      if (Date.now() - flight.startedAt >= giveUpMs) {
        this.#settle();
        this.options.onLost(this.subscription);
        return;
      }
      if (this.subscription.peer.transport === 'udp') this.options.transport.send(flight.text, this.subscription.peer);
      flight.timer = this.#retransmitIn(Math.min(2 * milliseconds, t2Ms));
    }, milliseconds);
  }

  #settle(): void {
    clearTimeout(this.#inFlight?.timer);
    this.#inFlight = undefined;
  }
}
