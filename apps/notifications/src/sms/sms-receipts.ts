import { setTimeout as sleep } from 'node:timers/promises';
import type { AppId, NotificationEvent } from '@communication-center/contracts';
import { OutboxRelay, type Sql, type WrittenRow } from '@communication-center/event-log';
import { type LineLog, Log, Postgres, Report, type ReportError } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { Allowance } from '../domain/allowance.js';
import { type AnswerPdu, answerIn } from '../domain/sms-answers.js';
import { type SmsReceipt, smppReceipt, smppStatus } from '../domain/sms-outcome.js';
import { digestOf } from '../messages/message-rows.js';
import { publish } from '../messages/notification-events.js';
import { noteAnswer } from './sms-answers.js';

/** What a receipt came to. */
type Taken = 'taken' | 'unknown' | 'busy';

/** A receipt may be here before the SMS is on record as handed over: it is looked for again after so long. */
const pausesMs = [200, 800, 2500];
/** Receipts that wait so at a time, of all apps. */
const mostWaiting = 256;
/** Wishes of phones' owners that are noted within a second, of one app: a STOP is kept for good. */
const answersPerSecond = 20;

type Settled = NotificationEvent['data'] & { at: Date; sequence: number | null };
const settle = `WITH known AS (
    SELECT * FROM sent_notifications WHERE notification_id = $1 AND app_id = $2 AND channel = 'sms' FOR UPDATE),
  marked AS (
    UPDATE sent_notifications AS sent SET state = $3, reason = $4, sequence = sent.sequence + 1
    FROM known WHERE sent.notification_id = known.notification_id AND known.state = 'accepted' RETURNING sent.sequence)
  SELECT notification_id AS "notificationId", rule_id AS "ruleId", channel, call_id AS "callId", user_alias AS "userAlias", device_id AS "deviceId", attempts,
    clock_timestamp() AS at, marked.sequence FROM known LEFT JOIN marked ON true`;

/** Notes what SMSCs and Twilio say became of SMS, and tells it. Said again, it is as it was. */
@Injectable()
export class SmsReceipts {
  #waiting = 0;
  readonly #answers = new Allowance(answersPerSecond);

  constructor(
    private readonly database: Postgres,
    private readonly relay: OutboxRelay,
    @Inject(Log) private readonly log: LineLog,
    @Inject(Report) private readonly report: ReportError,
  ) {}

  /** @returns the status that the SMSC is told: other than 0, it says it again. What is neither a receipt nor a wish of a phone's owner is let go. */
  async ofSmsc(appId: AppId, pdu: AnswerPdu): Promise<number> {
    const told = smppReceipt(pdu);
    const answer = answerIn(pdu);
    try {
      if (answer && !this.#answers.take(appId, Date.now())) return smppStatus.temporary;
      const counts = !answer || (await this.database.during('jobs', () => noteAnswer(this.database, appId, answer)));
      if (!counts) this.log.info({ appId }, 'let a STOP go: the app writes to no such number');
      if (!told) return smppStatus.ok;
      const taken = await this.#whenKnown(() => this.#notePart(appId, told.providerId, told.receipt));
      // Of what was never on record nothing will be: of others who use the same account, or of an attempt that was lost with its process.
      return taken === 'busy' ? smppStatus.temporary : smppStatus.ok;
    } catch (error) {
      this.report(error, 'noting a receipt or an answer');
      return smppStatus.temporary;
    }
  }

  /** @param number that it was sent to, where the receipt says that it is dead. */
  async ofTwilio(appId: AppId, notificationId: string, receipt: SmsReceipt, number: string): Promise<Taken> {
    return this.#whenKnown(() =>
      this.#inTransaction(async (tx) => {
        const written = await this.#settle(tx, appId, notificationId, receipt);
        if (written && receipt.isOfAddress) await noteRefusedNumber(tx, appId, number, receipt.reason ?? '');
        return written;
      }),
    );
  }

  async #whenKnown(note: () => Promise<boolean>): Promise<Taken> {
    if (await note()) return 'taken';
    if (this.#waiting >= mostWaiting) return 'busy';
    this.#waiting += 1;
    try {
      for (const pauseMs of pausesMs) {
        await sleep(pauseMs);
        if (await note()) return 'taken';
      }
      return 'unknown';
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Of several parts one that failed is the end of all; all must be delivered. @returns whether the SMS is known. */
  #notePart(appId: AppId, providerId: string, receipt: SmsReceipt): Promise<boolean> {
    return this.#inTransaction(async (tx) => {
      const { rows } = await tx.query<{ id: string; left: boolean }>(
        `WITH part AS (
           SELECT notification_id FROM sms_parts WHERE app_id = $1 AND provider_id = $2),
         -- One receipt of an SMS at a time.
         held AS (
           SELECT 1 FROM sent_notifications JOIN part USING (notification_id) FOR UPDATE),
         noted AS (
           UPDATE sms_parts SET state = coalesce(state, $3) WHERE app_id = $1 AND provider_id = $2 AND EXISTS (SELECT 1 FROM held) RETURNING notification_id)
         SELECT notification_id AS id FROM noted`,
        [appId, providerId, receipt.state],
      );
      const [part] = rows;
      if (!part) return undefined;
      if (receipt.state === 'delivered' && (await hasPartsLeft(tx, part.id))) return [];
      return this.#settle(tx, appId, part.id, receipt);
    });
  }

  /** @returns undefined for an SMS that is not on record. */
  async #settle(tx: Sql, appId: AppId, notificationId: string, { state, reason }: SmsReceipt): Promise<WrittenRow[] | undefined> {
    const { rows } = await tx.query<Settled>(settle, [notificationId, appId, state, reason]);
    const [row] = rows;
    if (!row) return undefined;
    const { at, sequence, ...data } = row;
    return sequence === null ? [] : publish(tx, [{ type: `notification.${state}`, appId, at, sequence, data }]);
  }

  async #inTransaction(work: (tx: Sql) => Promise<WrittenRow[] | undefined>): Promise<boolean> {
    const written = await this.database.during('jobs', () => this.database.transaction(work));
    if (written) this.relay.committed(written);
    return written !== undefined;
  }
}

async function hasPartsLeft(tx: Sql, notificationId: string): Promise<boolean> {
  const { rowCount } = await tx.query("SELECT 1 FROM sms_parts WHERE notification_id = $1 AND state IS DISTINCT FROM 'delivered' LIMIT 1", [
    notificationId,
  ]);
  return rowCount !== 0;
}

/** Nothing is sent to a number that is dead, for a while. */
export async function noteRefusedNumber(sql: Sql, appId: AppId, number: string, reason: string): Promise<void> {
  await sql.query(
    `INSERT INTO refused_addresses (app_id, channel, digest, reason) VALUES ($1, 'sms', ${digestOf('$2::text')}, $3)
     ON CONFLICT (app_id, channel, digest) DO UPDATE SET reason = excluded.reason, refused_at = clock_timestamp()
       WHERE refused_addresses.refused_at < 'infinity'`,
    [appId, number, reason.slice(0, 100)],
  );
}
