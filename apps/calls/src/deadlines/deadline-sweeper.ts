import { type AppId, type CallId, callLimits, type DeviceId, type UserAlias } from '@communication-center/contracts';
import { OutboxRelay, type Sql } from '@communication-center/event-log';
import { DueRows, Postgres, Report, type ReportError, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { CallCommands } from '../answer-commands/call-commands.js';
import type { CommandOnCall } from '../domain/commands.js';
import type { DeadlineKind } from '../domain/consequences.js';
import { putOff, type SecondChances } from '../domain/lateness.js';
import { disconnectedDevice, hasJoinedMedia } from '../follow-sessions/connection-deadlines.js';
import type { CallsSettings } from '../settings.js';

interface DueDeadline {
  call_id: CallId;
  app_id: AppId;
  kind: DeadlineKind;
  user_alias: UserAlias;
}

const sameTime = 8;

/**
 * Fires deadlines when they fall due. Every replica runs one; a call's advisory lock lets one of them have it.
 *
 * Rows are not locked while they are claimed: commands lock lines, then the call, and delete deadlines last, and a
 * sweeper that locked a deadline first would wait for them the other way round.
 */
@Injectable()
export class DeadlineSweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;
  readonly #chances: SecondChances;

  constructor(
    private readonly database: Postgres,
    private readonly relay: OutboxRelay,
    private readonly commands: CallCommands,
    @Inject(Settings) settings: CallsSettings,
    @Inject(Report) report: ReportError,
  ) {
    this.#chances = {
      lateAfterMs: settings.LATE_DEADLINE_MS,
      graceMs: settings.LATE_DEADLINE_GRACE_MS,
      connectionGraceMs: settings.CONNECTION_GRACE_MS,
      mediaGraceMs: callLimits.mediaSetupSeconds.default * 1000,
    };
    this.#loop = new DueRows({ name: 'firing call deadlines', work: () => this.#fireDue(), onError: report });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }

  async #fireDue(): Promise<number | null> {
    const { rows } = await this.database.query<DueDeadline>(
      'SELECT call_id, app_id, kind, user_alias FROM deadlines WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT 200',
    );
    const queue = [...rows];
    await Promise.all(
      Array.from({ length: sameTime }, async () => {
        for (let due = queue.shift(); due; due = queue.shift()) await this.#fire(due);
      }),
    );
    const next = await this.database.query<{ wait: number | null }>(
      'SELECT (extract(epoch FROM min(due_at) - clock_timestamp()) * 1000)::float8 AS wait FROM deadlines',
    );
    return next.rows[0]?.wait ?? null;
  }

  async #fire(due: DueDeadline): Promise<void> {
    const shards = await this.database.transaction(async (tx) => {
      const claim = await tx.query<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock(hashtext($1)) AS mine', [
        `deadlines of ${due.call_id}`,
      ]);
      if (!claim.rows[0]?.mine || (await this.#extendIfLate(tx, due))) return [];
      const command = await this.#commandOf(tx, due);
      const carried = command ? await this.commands.actIn(tx, due.app_id, command) : { shards: [] };
      await tx.query('DELETE FROM deadlines WHERE call_id = $1 AND kind = $2 AND user_alias = $3 AND due_at <= clock_timestamp()', [
        due.call_id,
        due.kind,
        due.user_alias,
      ]);
      return carried.shards;
    });
    this.relay.committed(shards);
  }

  /** @returns whether the deadline was put off, or is not due any more. */
  async #extendIfLate(tx: Sql, { call_id, kind, user_alias }: DueDeadline): Promise<boolean> {
    const { rows } = await tx.query<{ overdue: number; extended: boolean }>(
      `SELECT (extract(epoch FROM clock_timestamp() - due_at) * 1000)::float8 AS overdue, extended
       FROM deadlines WHERE call_id = $1 AND kind = $2 AND user_alias = $3`,
      [call_id, kind, user_alias],
    );
    const found = rows[0];
    if (!found || found.overdue < 0) return true;
    const later = putOff(kind, found.overdue, found.extended, this.#chances);
    if (later === 0) return false;
    await tx.query(
      `UPDATE deadlines SET due_at = clock_timestamp() + make_interval(secs => $4), extended = true
       WHERE call_id = $1 AND kind = $2 AND user_alias = $3`,
      [call_id, kind, user_alias, later / 1000],
    );
    return true;
  }

  /** @returns what a deadline asks of its call; undefined where what it waited for has happened. */
  async #commandOf(tx: Sql, { call_id: callId, app_id, kind, user_alias: userAlias }: DueDeadline): Promise<CommandOnCall | undefined> {
    switch (kind) {
      case 'ring':
        return { type: 'TimeOutRinging', callId, userAlias };
      case 'max_duration':
        return { type: 'ReachMaxDuration', callId };
      case 'upgrade':
        return { type: 'LapseUpgrade', callId };
      case 'media':
        return (await hasJoinedMedia(tx, app_id, callId, userAlias)) ? undefined : { type: 'FailMedia', callId, userAlias };
      case 'connection': {
        const deviceId = (await disconnectedDevice(tx, app_id, callId, userAlias)) as DeviceId | undefined;
        return deviceId && { type: 'LoseConnection', callId, userAlias, deviceId };
      }
      default:
        return kind satisfies never;
    }
  }
}
