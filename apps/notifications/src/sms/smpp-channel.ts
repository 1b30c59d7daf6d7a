import { setTimeout as sleep } from 'node:timers/promises';
import type { AppId } from '@communication-center/contracts';
import { Injectable } from '@nestjs/common';
import { faultOf } from '../channels/push-channel.js';
import { pauseAfter } from '../domain/backoff.js';
import type { SendOutcome } from '../domain/mail-outcome.js';
import { smppOutcome, smppStatus } from '../domain/sms-outcome.js';
import { addressOf, partHeader, partsOfSms, type SmsText } from '../domain/sms-text.js';
import { ChannelCredentialStore } from '../mail/channel-credential-store.js';
import { BindRefused, type SmscConnection } from './smsc-connection.js';
import { LineRests, SmscLines } from './smsc-lines.js';

/** One SMS. */
export interface SmsLetter {
  /** The same for every attempt. */
  notificationId: string;
  to: string;
  text: string;
  /** In milliseconds since 1970: it is of no use later. */
  until: number;
}

/** Tries of one part that an SMSC has no room for, before the whole waits. */
const triesAtOnce = 5;
/** The whole comes to its end well before its claim does. */
const longestMs = 60_000;
/** An SMSC is given that long at least. */
const shortestValidMs = 60_000;
const dataCoding = { gsm7: 0, ucs2: 8 } as const;

/** Hands SMS over to an app's SMSC. */
@Injectable()
export class SmppChannel {
  readonly #senders = new Map<string, { version: string; from: string }>();

  constructor(
    private readonly lines: SmscLines,
    private readonly credentials: ChannelCredentialStore,
  ) {}

  /** Never throws: what goes wrong is an outcome. */
  async send(appId: AppId, letter: SmsLetter, version: string): Promise<SendOutcome> {
    const text = partsOfSms(letter.text);
    if (!text) return { outcome: 'refused', reason: 'the text is longer than ten SMS: write a shorter template', isOfAddress: false };
    try {
      const connection = await this.lines.of(appId, version);
      return await this.#submitAll(connection, letter, text, await this.#senderOf(appId, version));
    } catch (error) {
      return outcomeOf(error);
    }
  }

  /** Binds, without sending anything. @returns undefined where the app has no SMSC. */
  async verify(appId: AppId): Promise<SendOutcome | undefined> {
    const kept = await this.credentials.read(appId, 'smpp');
    if (!kept) return undefined;
    try {
      await this.lines.verify(appId, kept);
      return { outcome: 'accepted' };
    } catch (error) {
      return outcomeOf(error);
    }
  }

  async #senderOf(appId: AppId, version: string): Promise<string> {
    const known = this.#senders.get(appId);
    if (known?.version === version) return known.from;
    const from = (await this.credentials.read(appId, 'smpp'))?.facts.from ?? '';
    if (this.#senders.size > 5000) this.#senders.clear();
    this.#senders.set(appId, { version, from });
    return from;
  }

  async #submitAll(connection: SmscConnection, letter: SmsLetter, { alphabet, parts }: SmsText, from: string): Promise<SendOutcome> {
    const [source, destination] = [addressOf(from), addressOf(letter.to)];
    const endsAt = Math.min(Date.now() + longestMs, letter.until);
    const providerIds: string[] = [];
    for (const [index, message] of parts.entries()) {
      if (index > 0 && Date.now() >= endsAt) return { outcome: 'later', reason: 'the SMSC is too slow for a text of so many parts' };
      const udh = partHeader(Number.parseInt(letter.notificationId.slice(0, 2), 16), parts.length, index);
      const answer = await submitted(connection, endsAt, {
        ...{ source_addr_ton: source.ton, source_addr_npi: source.npi, source_addr: source.address },
        ...{ dest_addr_ton: destination.ton, dest_addr_npi: destination.npi, destination_addr: destination.address },
        validity_period: new Date(Math.max(letter.until, Date.now() + shortestValidMs)),
        // A receipt of the end, whatever it is.
        registered_delivery: 1,
        data_coding: dataCoding[alphabet],
        short_message: udh ? { udh, message } : { message },
      });
      if (answer.status !== smppStatus.ok) return smppOutcome(answer.status);
      if (answer.messageId !== '' && answer.messageId.length <= 65) providerIds.push(answer.messageId);
    }
    return { outcome: 'accepted', providerIds };
  }
}

/** @returns the answer to one part, which is offered again for a moment where the SMSC has no room. */
async function submitted(connection: SmscConnection, endsAt: number, parameters: Record<string, unknown>) {
  for (let tries = 1; ; tries += 1) {
    const answer = await connection.submit(parameters);
    const isBusy = answer.status === smppStatus.throttled || answer.status === smppStatus.queueFull;
    const pauseMs = pauseAfter(tries, undefined, Math.random());
    if (!isBusy || tries >= triesAtOnce || Date.now() + pauseMs >= endsAt) return answer;
    await sleep(pauseMs);
  }
}

function outcomeOf(error: unknown): SendOutcome {
  if (error instanceof BindRefused) return smppOutcome(error.status);
  if (error instanceof LineRests) return { outcome: 'later', reason: faultOf(error), retryAfterMs: error.leftMs };
  // The guard of addresses: the host leads where nothing may be sent.
  if ((error as { code?: string }).code === 'EACCES') return { outcome: 'refused', reason: faultOf(error), isOfAddress: false };
  return { outcome: 'later', reason: faultOf(error) };
}
