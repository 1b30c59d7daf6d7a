import type { AppId, CallId, DeviceId, UserAlias } from '@communication-center/contracts';
import { OutboxRelay, type Sql } from '@communication-center/event-log';
import { DueRows, Postgres, Report, type ReportError, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { CallCommands } from '../answer-commands/call-commands.js';
import type { Command, DialCall } from '../domain/commands.js';
import { disconnectedDevice } from '../follow-sessions/connection-deadlines.js';
import type { CallsSettings } from '../settings.js';

interface DueDeadline {
  call_id: CallId;
  app_id: AppId;
  kind: 'ring' | 'max_duration' | 'connection';
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

  constructor(
    private readonly database: Postgres,
    private readonly relay: OutboxRelay,
    private readonly commands: CallCommands,
    @Inject(Settings) private readonly settings: CallsSettings,
    @Inject(Report) report: ReportError,
  ) {
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

  /** A deadline that nobody fired in time passed in an outage: people get a moment to come back and act. */
  async #extendIfLate(tx: Sql, { call_id, kind, user_alias }: DueDeadline): Promise<boolean> {
    const { rowCount } = await tx.query(
      `UPDATE deadlines SET due_at = clock_timestamp() + make_interval(secs => $4), extended = true
       WHERE call_id = $1 AND kind = $2 AND user_alias = $3 AND NOT extended AND due_at < clock_timestamp() - make_interval(secs => $5)`,
      [call_id, kind, user_alias, this.settings.LATE_DEADLINE_GRACE_MS / 1000, this.settings.LATE_DEADLINE_MS / 1000],
    );
    return rowCount === 1;
  }

  async #commandOf(
    tx: Sql,
    { call_id: callId, app_id, kind, user_alias: userAlias }: DueDeadline,
  ): Promise<Exclude<Command, DialCall> | undefined> {
    switch (kind) {
      case 'ring':
        return { type: 'TimeOutRinging', callId, userAlias };
      case 'max_duration':
        return { type: 'ReachMaxDuration', callId };
      case 'connection': {
        const deviceId = (await disconnectedDevice(tx, app_id, callId, userAlias)) as DeviceId | undefined;
        return deviceId && { type: 'LoseConnection', callId, userAlias, deviceId };
      }
      default:
        return kind satisfies never;
    }
  }
}
