import type { AppId, CallId, UserAlias } from '@communication-center/contracts';
import { currentTraceparent, Postgres, Report, type ReportError, resumeTrace, Settings } from '@communication-center/service';
import { type RowJob, RowJobs } from '@communication-center/service/row-jobs';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Allowance } from '../domain/allowance.js';
import { missedCallText } from '../domain/missed-call-text.js';
import type { NotificationsSettings } from '../settings.js';
import { findDueEmails, waitingEmails } from './due-emails.js';
import { Mailer } from './mailer.js';

export interface MissedCallEmail {
  eventId: string;
  appId: AppId;
  userAlias: UserAlias;
  callId: CallId;
  initiator: UserAlias;
  missedAt: string;
}

interface ClaimedEmail {
  email_id: string;
  app_id: AppId;
  call_id: CallId;
  traceparent: string | null;
  attempts: number;
  missed_at: Date;
  /** Whether the user's contact has arrived here: a user may be called the moment it is made. */
  known: boolean;
  to: string | null;
  callee_name: string;
  caller_name: string;
  locale: string | null;
  /** E-mails the user got within the hour, as far as they count. */
  lately: number;
}

const claimSeconds = 120;

const contactOf = (user: string, column: string) =>
  `(SELECT ${column} FROM contacts WHERE app_id = mine.app_id AND user_alias = mine.${user})`;

/** More than any user may get in an hour. */
const mostCounted = 1000;

/** Said of the whole row of the index by user: by its time alone the planner would read what everybody got within the hour. */
const isOfTheLastHour = `(other.app_id, other.user_alias, other.ended_at) > (mine.app_id, mine.user_alias, now() - interval '1 hour')`;

/** Of a claimed e-mail, with its contacts as they are known now, and what its user got lately. Those that are being sent do not count yet: a few more than allowed may go out. */
export const whatToSend = `email_id, app_id, call_id, traceparent, attempts, missed_at,
  EXISTS ${contactOf('user_alias', '1')} AS known, ${contactOf('user_alias', 'email')} AS to, ${contactOf('user_alias', 'locale')} AS locale,
  coalesce(${contactOf('user_alias', 'name')}, mine.user_alias) AS callee_name,
  coalesce(${contactOf('initiator', 'name')}, mine.initiator) AS caller_name,
  (SELECT count(*)::int FROM (SELECT 1 FROM emails AS other WHERE other.app_id = mine.app_id AND other.user_alias = mine.user_alias
     AND other.state = 'sent' AND ${isOfTheLastHour} LIMIT ${mostCounted}) AS sent) AS lately`;

/** E-mails as rows: one for each missed call, claimed for each attempt, with an end that is recorded. */
@Injectable()
export class MissedCallEmails implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #jobs: RowJobs;
  /** Whoever has more at once waits for the sweep, which goes round the apps. */
  readonly #atOnce = new Allowance(20);
  #round: AppId | '' = '';

  constructor(
    private readonly database: Postgres,
    private readonly mailer: Mailer,
    @Inject(Settings) private readonly settings: NotificationsSettings,
    @Inject(Report) report: ReportError,
  ) {
    this.#jobs = new RowJobs({
      name: 'missed-call-emails',
      redis: settings,
      work: (emailId, attempt) => this.#attempt(emailId, attempt),
      overdue: () => this.#overdue(),
      schedule: settings.RETRY_SCHEDULE_SECONDS,
      onError: report,
      concurrency: 4,
    });
  }

  onApplicationBootstrap(): void {
    this.#jobs.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#jobs.stop();
  }

  /** Writes the row, once for each missed call, and has it sent. */
  async write({ eventId, appId, userAlias, callId, initiator, missedAt }: MissedCallEmail): Promise<void> {
    const emailId = uuidv7();
    const { rowCount } = await this.database.query(
      `INSERT INTO emails (email_id, event_id, app_id, user_alias, call_id, initiator, missed_at, traceparent, next_attempt_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp()) ON CONFLICT (event_id) DO NOTHING`,
      [emailId, eventId, appId, userAlias, callId, initiator, missedAt, currentTraceparent()],
    );
    if (rowCount === 1 && this.#atOnce.take(appId, Date.now())) await this.#jobs.add([{ rowId: emailId, attempt: 1, delayMs: 0 }]);
  }

  async #attempt(emailId: string, attempt: number): Promise<void> {
    const email = await this.#claim(emailId, attempt);
    if (!email) return;
    const about = { traceparent: email.traceparent ?? undefined, appid: email.app_id, callid: email.call_id };
    await resumeTrace([about], () => this.#send(email, attempt));
  }

  async #send(email: ClaimedEmail, attempt: number): Promise<void> {
    const emailId = email.email_id;
    if (!email.known) return this.#tryLater(emailId, attempt, 'the contact of the user has not arrived yet');
    if (!email.to) return this.#end(emailId, 'skipped', 'the user has no e-mail address');
    if (!this.mailer.isConfigured) return this.#end(emailId, 'skipped', 'SMTP_URL is not set');
    const most = this.settings.EMAILS_PER_HOUR;
    if (email.lately >= most) return this.#end(emailId, 'skipped', `the user got ${most} e-mails within the hour, as many as one may`);
    const { subject, text } = missedCallText({
      calleeName: email.callee_name,
      callerName: email.caller_name,
      missedAt: email.missed_at,
      locale: email.locale,
    });
    const result = await this.mailer.send({ messageId: `<${emailId}@communication-center>`, to: email.to, subject, text });
    if (result.outcome === 'sent') return this.#end(emailId, 'sent', null);
    if (result.outcome === 'refused') return this.#end(emailId, 'failed', result.error);
    return this.#tryLater(emailId, attempt, result.error);
  }

  async #tryLater(emailId: string, made: number, error: string): Promise<void> {
    const putOff = async (delayMs: number) => {
      await this.database.query(
        'UPDATE emails SET next_attempt_at = clock_timestamp() + make_interval(secs => $2), last_error = $3 WHERE email_id = $1',
        [emailId, delayMs / 1000, error],
      );
    };
    if (!(await this.#jobs.tryLater({ rowId: emailId, made, putOff }))) await this.#end(emailId, 'failed', error);
  }

  /** Takes the attempt, so that no other replica makes it, and reads whom to write to as it is known now. */
  async #claim(emailId: string, attempt: number): Promise<ClaimedEmail | undefined> {
    return waitingEmails.claim<ClaimedEmail>(this.database, emailId, { made: attempt - 1, seconds: claimSeconds, returning: whatToSend });
  }

  async #end(emailId: string, state: 'sent' | 'failed' | 'skipped', error: string | null): Promise<void> {
    await this.database.query(
      'UPDATE emails SET state = $2, last_error = $3, next_attempt_at = NULL, ended_at = clock_timestamp() WHERE email_id = $1',
      [emailId, state, error],
    );
  }

  async #overdue(): Promise<RowJob[]> {
    const { due, next } = await findDueEmails(this.database, this.#round);
    this.#round = next;
    return due.map(({ emailId, made }) => ({ rowId: emailId, attempt: made + 1, delayMs: 0 }));
  }
}
