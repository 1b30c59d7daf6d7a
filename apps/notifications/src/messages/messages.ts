import type { AppId, RuleStep } from '@communication-center/contracts';
import { OutboxRelay } from '@communication-center/event-log';
import { Postgres, Report, type ReportError, resumeTrace, Settings } from '@communication-center/service';
import { type RowJob, RowJobs } from '@communication-center/service/row-jobs';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { v5 as uuidv5 } from 'uuid';
import { type Lane, Lanes } from '../channels/lanes.js';
import { KnownCredentials } from '../credentials/known-credentials.js';
import { whatComesAfter } from '../domain/after-step.js';
import { Allowance } from '../domain/allowance.js';
import { type Act, nextAct } from '../domain/next-act.js';
import { paced } from '../domain/paced.js';
import { Mail } from '../mail/mail-channel.js';
import { PushRings } from '../push-ring/push-rings.js';
import type { NotificationsSettings } from '../settings.js';
import { noteRefusedNumber } from '../sms/sms-receipts.js';
import { chainOf, emailOf, factsOf, phoneOf } from './facts-of.js';
import { HandOver } from './hand-over.js';
import {
  type ClaimedMessage,
  digestOf,
  type NewMessage,
  record,
  type SentNotification,
  type Standing,
  waitingMessages,
  whatToKnow,
  writeMessages,
} from './message-rows.js';
import { type Happened, publish } from './notification-events.js';
import { RingsFirst } from './rings-first.js';

const claimSeconds = 120;
/** So often an attempt may be lost with its process: what was handed over then is handed over again, once. */
const mostLost = 1;
const lanePlaces = 4;
/** So often it is looked for what has no job. */
const sweepMs = 5000;

/** What has a lane of its own is held up by nothing else. */
function laneOf({ sms_server: server }: ClaimedMessage, { channel }: RuleStep): 'smtp' | 'smpp' | 'twilio' | 'webhook' | 'fcm' {
  switch (channel) {
    case 'email':
      return 'smtp';
    case 'sms':
      return server?.provider ?? 'smpp';
    case 'webhook':
      return 'webhook';
    case 'push':
      return 'fcm';
    default:
      return channel satisfies never;
  }
}

/** Chains as rows: each step is claimed, looked at, taken and noted. BullMQ is their timer; what it forgets the sweep finds. */
@Injectable()
export class Messages implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #jobs: RowJobs;
  /** An app has few places, so that one whose mail server hangs takes them from nobody else. */
  readonly #lanes = new Lanes({ concurrency: lanePlaces, waiting: lanePlaces });
  readonly #ringsFirst: RingsFirst;
  readonly #perSecond: Allowance;
  /** Whoever has more at once waits for the sweep, which goes round the apps. */
  readonly #atOnce = new Allowance(20);
  #round = '';

  constructor(
    private readonly database: Postgres,
    private readonly handOver: HandOver,
    private readonly mail: Mail,
    private readonly known: KnownCredentials,
    private readonly relay: OutboxRelay,
    @Inject(Settings) private readonly settings: NotificationsSettings,
    @Inject(Report) report: ReportError,
    @Inject(PushRings) rings: Pick<PushRings, 'areUnderWay'>,
  ) {
    this.#ringsFirst = new RingsFirst(() => rings.areUnderWay);
    this.#perSecond = new Allowance(settings.MESSAGES_PER_SECOND);
    this.#jobs = new RowJobs({
      name: `${database.schema}-messages`,
      redis: settings,
      work: (messageId, attempt) => this.attempt(messageId, attempt),
      overdue: () => this.#overdue(),
      schedule: settings.RETRY_SCHEDULE_SECONDS,
      onError: report,
      concurrency: 128,
      sweepMs,
    });
  }

  onApplicationBootstrap(): void {
    this.#jobs.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#jobs.stop();
  }

  /** Writes chains of one app, each once, and has them begun. */
  async begin(messages: readonly NewMessage[]): Promise<void> {
    const written = await writeMessages(this.database, messages);
    const now = Date.now();
    const [{ appId } = { appId: '' }] = messages;
    const atOnce = written.filter(() => this.#atOnce.take(appId, now));
    // Of many that begin together each is taken up when there is a place for it.
    const apartMs = 1000 / this.settings.MESSAGES_PER_SECOND;
    await this.#jobs.add(
      atOnce.map(({ messageId, delayMs }, index) => ({ rowId: messageId, attempt: 1, delayMs: delayMs + Math.round(index * apartMs) })),
    );
  }

  /** Takes a chain up, if nobody else has. @param attempt which one it is, from 1. */
  async attempt(messageId: string, attempt: number): Promise<void> {
    await this.#ringsFirst.turn();
    // Never on the connections that rings go by.
    return this.database.during('jobs', () => this.#attempt(messageId, attempt));
  }

  async #attempt(messageId: string, attempt: number): Promise<void> {
    const claim = { made: attempt - 1, seconds: claimSeconds, returning: whatToKnow };
    const message = await waitingMessages.claim<ClaimedMessage>(this.database, messageId, claim);
    if (!message) return;
    const about = { traceparent: message.traceparent ?? undefined, appid: message.app_id, callid: message.call_id };
    await resumeTrace([about], () => this.#goOn(message));
  }

  async #goOn(message: ClaimedMessage): Promise<void> {
    const { user_alias, receiver, step, tries, attempts, noted } = message;
    const stay = { step, tries, outcome: null };
    if (attempts - 1 - noted > mostLost) return this.#pass(message, 'whoever was at it came to no end, twice');
    if (user_alias !== null && !receiver) return this.#waitForContact(message);
    const { act, passed } = this.#next(message);
    if (act.act === 'end') return this.#end(message, act, passed);
    if (act.act === 'wait')
      return this.#note(message, { ...stay, step: passed.step, delayMs: act.until.getTime() - Date.now(), reason: null });
    if (act.act === 'pass') throw new Error('what is passed over was passed over');
    await this.#take({ ...message, step: passed.step, tries: passed.step === step ? tries : 0 }, act.step);
  }

  /** Passes over what cannot be taken. */
  #next(message: ClaimedMessage): { act: Act; passed: { step: number; reason: string | null } } {
    const around = {
      pushes: this.known.hasApp(message.app_id),
      mails: this.mail.isConfigured,
      emailsPerHour: this.settings.EMAILS_PER_HOUR,
      smsPerHour: this.settings.SMS_PER_HOUR,
    };
    const [chain, facts] = [chainOf(message), factsOf(message, around)];
    const passed = { step: message.step, reason: null as string | null };
    for (;;) {
      const act = nextAct({ ...chain, step: passed.step }, facts);
      if (act.act !== 'pass') return { act, passed };
      passed.step += 1;
      passed.reason = act.reason;
    }
  }

  /** Takes a step where its app has room, and its provider is not held back for its failures; else it waits a moment. */
  async #take(message: ClaimedMessage, step: RuleStep): Promise<void> {
    const lane = this.#lanes.of(message.app_id, laneOf(message, step));
    const heldMs = lane.breaker.heldForMs(Date.now());
    if (heldMs > 0) return this.#putOff(message, heldMs, 'the provider is held back for its failures');
    if (!this.#perSecond.take(message.app_id, Date.now()) || !lane.enter())
      return this.#putOff(message, 1000, 'the app sends as much as it may');
    try {
      await this.#send(message, step, lane);
    } finally {
      lane.leave();
    }
  }

  async #send(message: ClaimedMessage, step: RuleStep, lane: Lane): Promise<void> {
    const { outcome, sent } = await this.handOver.step(message, step);
    if (outcome.outcome === 'later') lane.breaker.failed(Date.now(), Math.random());
    else lane.breaker.succeeded();
    if (outcome.outcome === 'refused' && outcome.isOfAddress) await this.#noteRefused(message, step, outcome.reason);
    const { step: at, tries, until } = message;
    const schedule = this.settings.RETRY_SCHEDULE_SECONDS;
    const leftMs = until.getTime() - Date.now();
    const after = whatComesAfter({ steps: message.rule.steps, step: at, tries, outcome, schedule, leftMs }, Math.random());
    const { hasEnded, ...standing } = after;
    await this.#note(message, standing, hasEnded ? sent : []);
  }

  async #pass(message: ClaimedMessage, reason: string): Promise<void> {
    const step = message.rule.steps[message.step];
    const notificationId = uuidv5(`${message.step}/lost`, message.message_id);
    const sent = {
      notificationId,
      channel: step?.channel ?? 'email',
      deviceId: null,
      state: 'failed',
      reason,
      attempts: message.tries,
    } as const;
    const hasMore = message.step + 1 < message.rule.steps.length;
    const outcome = hasMore ? null : 'done';
    await this.#note(message, { step: message.step + 1, tries: 0, delayMs: hasMore ? 0 : null, outcome, reason }, [sent]);
  }

  async #waitForContact(message: ClaimedMessage): Promise<void> {
    const { step, tries, until } = message;
    const reason = 'the contact of the user has not arrived yet';
    const isLate = Date.now() >= until.getTime();
    await this.#note(message, {
      step,
      tries,
      delayMs: isLate ? null : 10_000 * (0.9 + Math.random() * 0.2),
      outcome: isLate ? 'expired' : null,
      reason,
    });
  }

  /** It has no job then: of an app with thousands that wait, the sweep takes up some at a time, as of every other. */
  async #putOff(message: ClaimedMessage, ms: number, reason: string): Promise<void> {
    const { step, tries } = message;
    await record(this.database, message, { step, tries, delayMs: ms * (0.8 + Math.random()), outcome: null, reason }, []);
  }

  /** Where nothing was handed over, that is on record with why. */
  async #end(
    message: ClaimedMessage,
    { outcome, reason }: Act & { act: 'end' },
    passed: { step: number; reason: string | null },
  ): Promise<void> {
    const why = reason ?? passed.reason;
    const last = message.rule.steps[Math.min(passed.step, message.rule.steps.length - 1)] as RuleStep;
    const sent: SentNotification[] =
      message.accepted || outcome === 'not_wanted' || why === null
        ? []
        : [
            {
              notificationId: uuidv5(`${passed.step}/end`, message.message_id),
              ...{
                channel: last.channel,
                deviceId: null,
                state: outcome === 'expired' ? 'expired' : 'cancelled',
                reason: why,
                attempts: message.tries,
              },
            },
          ];
    await this.#note(message, { step: passed.step, tries: message.tries, delayMs: null, outcome, reason: why }, sent);
  }

  async #note(message: ClaimedMessage, standing: Standing, sent: readonly SentNotification[] = []): Promise<void> {
    const isMine =
      sent.length === 0 ? (await record(this.database, message, standing, sent)).isMine : await this.#noteSent(message, standing, sent);
    const { delayMs } = standing;
    if (isMine && delayMs !== null) await this.#jobs.add([{ rowId: message.message_id, attempt: message.attempts + 1, delayMs }]);
  }

  /** Notes what was handed over, and tells it, in one transaction. */
  async #noteSent(message: ClaimedMessage, standing: Standing, sent: readonly SentNotification[]): Promise<boolean> {
    const { app_id: appId, rule_id: ruleId, call_id: callId, user_alias: userAlias } = message;
    const { isMine, written } = await this.database.transaction(async (tx) => {
      const noted = await record(tx, message, standing, sent);
      const happened = sent
        .filter(({ notificationId }) => noted.fresh.includes(notificationId))
        .map(({ notificationId, channel, deviceId, state, attempts, message: said }): Happened => {
          const data = { notificationId, ruleId, channel, callId, userAlias, deviceId, attempts };
          const about = { appId, at: noted.at, sequence: 1 };
          // What the app itself is told says by being there that it was taken.
          return said
            ? { type: 'notification.message', ...about, data: { ...data, ...said } }
            : { type: `notification.${state}`, ...about, data };
        });
      return { isMine: noted.isMine, written: await publish(tx, happened) };
    });
    this.relay.committed(written);
    return isMine;
  }

  async #noteRefused(message: ClaimedMessage, { channel }: RuleStep, reason: string): Promise<void> {
    if (channel === 'sms') return noteRefusedNumber(this.database, message.app_id, phoneOf(message) ?? '', reason);
    await this.database.query(
      `INSERT INTO refused_addresses (app_id, channel, digest, reason) VALUES ($1, 'email', ${digestOf('$2::text')}, $3)
       ON CONFLICT (app_id, channel, digest) DO UPDATE SET reason = excluded.reason, refused_at = clock_timestamp()`,
      [message.app_id, emailOf(message), reason.slice(0, 100)],
    );
  }

  async #overdue(): Promise<RowJob[]> {
    const { due, next } = await waitingMessages.due(this.database, this.#round);
    this.#round = next as AppId | '';
    return paced(due, this.settings.MESSAGES_PER_SECOND, sweepMs).map(({ one, delayMs }) => ({
      rowId: one.rowId,
      attempt: one.made + 1,
      delayMs,
    }));
  }
}
