import type { AppId } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { DueRows, nextAttemptIn, type Postgres, ProblemError, type ReportError, type ServiceClient } from '@communication-center/service';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { SendOutcome } from '../domain/mail-outcome.js';
import type { Mail } from '../mail/mail-channel.js';
import type { NotificationsSettings } from '../settings.js';
import { letterOf } from './contact-letter.js';

/** How often it is looked for letters that another replica left, in milliseconds. */
const lookMs = 15_000;
/** Whoever took a letter up and is no more has it taken up by another after so many seconds. */
const claimSeconds = 120;
/** So many things go in one letter at most. */
const inOneLetter = 500;
/** What comes after a letter waits so long for company: an app gets one letter in so many minutes. */
const apartMinutes = 10;

/** That an endpoint was disabled, to be told to its app's contact. */
export interface ToTell {
  entryId: string;
  appId: AppId;
  endpointId: string;
  reason: string;
  /** When, as ISO 8601. */
  at: string;
}

interface ClaimedRow {
  entry_id: string;
  app_id: AppId;
  endpoint_id: string;
  reason: string;
  happened_at: Date;
  attempts: number;
}

/** Writes to the contacts of apps. Rows say what is to be told; those of an app that are due go in one letter, at least once each. */
export class ContactMails implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;

  /** @param directory which knows whom to write to. */
  constructor(
    private readonly database: Pick<Postgres, 'query' | 'of' | 'background'>,
    private readonly mail: Pick<Mail, 'send'>,
    private readonly directory: Pick<ServiceClient, 'ask'>,
    private readonly settings: Pick<NotificationsSettings, 'RETRY_SCHEDULE_SECONDS'>,
    report: ReportError,
  ) {
    this.#loop = new DueRows({ name: 'writing to contacts of apps', work: () => this.tellNext(), onError: report, maxPauseMs: lookMs });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }

  /** Resolves when it is kept that contacts are to be told; each thing once. */
  async begin(toTell: readonly ToTell[]): Promise<void> {
    await this.database.query(
      `INSERT INTO contact_mails (entry_id, app_id, endpoint_id, reason, happened_at, next_attempt_at)
       SELECT one."entryId", one."appId", one."endpointId", one.reason, one.at,
              greatest(clock_timestamp(), (SELECT max(ended_at) + interval '${apartMinutes} minutes' FROM contact_mails AS sent WHERE sent.app_id = one."appId"))
       FROM json_to_recordset($1) AS one("entryId" uuid, "appId" text, "endpointId" uuid, reason text, at timestamptz) ON CONFLICT DO NOTHING`,
      [JSON.stringify(toTell)],
    );
    this.#loop.wake();
  }

  /** Writes the letter that is due, if one is. @returns milliseconds until the next one is; null where none waits. */
  async tellNext(): Promise<number | null> {
    const rows = await this.#claim();
    const [first] = rows;
    if (!first) return this.#nextIn();
    const outcome = await this.#write(first.app_id, rows);
    const entryIds = rows.map(({ entry_id }) => entry_id);
    const made = Math.max(...rows.map(({ attempts }) => attempts));
    const pauseMs = outcome.outcome === 'later' ? nextAttemptIn(this.settings.RETRY_SCHEDULE_SECONDS, made, Math.random()) : null;
    const why = outcome.outcome === 'accepted' ? null : outcome.reason;
    await this.#note(entryIds, outcome.outcome === 'accepted' ? 'sent' : 'failed', why, pauseMs);
    return 0;
  }

  /** Takes up what is due of one app. */
  async #claim(): Promise<ClaimedRow[]> {
    const { rows } = await this.database.of('jobs').query<ClaimedRow>(
      `UPDATE contact_mails SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => ${claimSeconds})
       WHERE entry_id = ANY (ARRAY(
         SELECT entry_id FROM contact_mails WHERE state = 'pending' AND next_attempt_at <= clock_timestamp() AND app_id = (
           SELECT app_id FROM contact_mails WHERE state = 'pending' AND next_attempt_at <= clock_timestamp() ORDER BY next_attempt_at LIMIT 1)
         ORDER BY happened_at LIMIT ${inOneLetter} FOR UPDATE SKIP LOCKED))
       RETURNING entry_id, app_id, endpoint_id, reason, happened_at, attempts`,
    );
    return rows.toSorted((one, other) => one.happened_at.getTime() - other.happened_at.getTime());
  }

  async #write(appId: AppId, rows: readonly ClaimedRow[]): Promise<SendOutcome> {
    const to = await this.#contactOf(appId);
    if (typeof to !== 'string') return to;
    const letter = letterOf(
      appId,
      rows.map(({ endpoint_id: endpointId, reason, happened_at: at }) => ({ endpointId, reason, at })),
    );
    return this.mail.send(appId, { notificationId: rows[0]?.entry_id ?? '', to, ...letter });
  }

  /** @returns an app's contact, as the directory says it now, or why there is none. */
  async #contactOf(appId: AppId): Promise<string | SendOutcome> {
    try {
      const { options } = await this.directory.ask(internal.appOptions, { params: { appId } }, { timeoutMs: 3000, retryForMs: 1000 });
      return options.contactEmail ?? { outcome: 'refused', reason: 'the app names no contactEmail', isOfAddress: false };
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'unknown_app')
        return { outcome: 'refused', reason: 'no such app', isOfAddress: false };
      return { outcome: 'later', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  /** @param pauseMs until the next attempt; null where there is none. */
  async #note(entryIds: readonly string[], state: 'sent' | 'failed', why: string | null, pauseMs: number | null): Promise<void> {
    await this.database.of('jobs').query(
      `UPDATE contact_mails SET why = $3, state = CASE WHEN $4::float8 IS NULL THEN $2 ELSE state END,
              ended_at = CASE WHEN $4::float8 IS NULL THEN clock_timestamp() END,
              next_attempt_at = clock_timestamp() + make_interval(secs => coalesce($4::float8, 0) / 1000)
       WHERE entry_id = ANY ($1) AND state = 'pending'`,
      [entryIds, state, why, pauseMs],
    );
  }

  async #nextIn(): Promise<number | null> {
    const { rows } = await this.database.background.query<{ inMs: number }>(
      `SELECT (extract(epoch FROM next_attempt_at - clock_timestamp()) * 1000)::float8 AS "inMs" FROM contact_mails
       WHERE state = 'pending' ORDER BY next_attempt_at LIMIT 1`,
    );
    return rows[0]?.inMs ?? null;
  }
}
