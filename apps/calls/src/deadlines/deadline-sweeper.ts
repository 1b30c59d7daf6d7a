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

/** Deadlines worked on at a time, each on a connection that requests do not compete for. */
const sameTime = 8;
/** Where replicas wake at the same moment, the later one mostly finds the work done. */
const jitterMs = 15;
/** Another replica has the deadlines that are left: look again soon, not at once. */
const busyPauseMs = 25;

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
  readonly #database: Postgres;
  /** What waits here or is worked on: at most what one look finds. */
  readonly #known = new Set<string>();
  readonly #waiting: { name: string; due: DueDeadline }[] = [];
  readonly #workers = new Set<Promise<void>>();

  constructor(
    private readonly relay: OutboxRelay,
    private readonly commands: CallCommands,
    @Inject(Settings) settings: CallsSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#database = new Postgres({
      schema: 'calls',
      settings,
      pools: { commands: sameTime + 1 },
      onError: (error) => report(error, 'an idle connection of the deadlines'),
    });
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
    await Promise.all(this.#workers);
    await this.#database.close();
  }

  /** Takes in hand what is due, without waiting for it: a slow one must not make the next ones late. */
  async #fireDue(): Promise<number | null> {
    const { rows } = await this.#database.query<DueDeadline & { wait: number }>(
      `SELECT call_id, app_id, kind, user_alias, (extract(epoch FROM due_at - clock_timestamp()) * 1000)::float8 AS wait
       FROM deadlines ORDER BY due_at LIMIT 200`,
    );
    for (const due of rows) if (due.wait <= 0) this.#take(due);
    if (rows.some(({ wait }) => wait <= 0)) return busyPauseMs;
    const next = rows[0]?.wait;
    return next === undefined ? null : next + Math.random() * jitterMs;
  }

  #take(due: DueDeadline): void {
    const name = `${due.call_id} ${due.kind} ${due.user_alias}`;
    if (this.#known.has(name)) return;
    this.#known.add(name);
    this.#waiting.push({ name, due });
    if (this.#workers.size >= sameTime) return;
    const worker = this.#work().finally(() => this.#workers.delete(worker));
    this.#workers.add(worker);
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      await this.#fire(next.due).catch((error: unknown) => this.report(error, 'firing a call deadline'));
      this.#known.delete(next.name);
    }
  }

  async #fire(due: DueDeadline): Promise<void> {
    const shards = await this.#database.transaction(async (tx) => {
      if (!(await this.#claim(tx, due))) return [];
      const command = await this.#commandOf(tx, due);
      const carried = command ? await this.commands.actIn(tx, due.app_id, command) : { shards: [] };
      // What the call made of it cleared the deadline; one that found nothing to do is cleared here.
      if (carried.shards.length === 0) {
        await tx.query('DELETE FROM deadlines WHERE call_id = $1 AND kind = $2 AND user_alias = $3 AND due_at <= clock_timestamp()', [
          due.call_id,
          due.kind,
          due.user_alias,
        ]);
      }
      return carried.shards;
    });
    this.relay.committed(shards);
  }

  /** @returns whether this replica may fire the deadline: no other has the call, and it is due still, and was not put off. */
  async #claim(tx: Sql, { call_id, kind, user_alias }: DueDeadline): Promise<boolean> {
    const { rows } = await tx.query<{ mine: boolean; overdue: number; extended: boolean }>(
      `SELECT pg_try_advisory_xact_lock(hashtext($4)) AS mine,
              (extract(epoch FROM clock_timestamp() - due_at) * 1000)::float8 AS overdue, extended
       FROM deadlines WHERE call_id = $1 AND kind = $2 AND user_alias = $3`,
      [call_id, kind, user_alias, `deadlines of ${call_id}`],
    );
    const found = rows[0];
    if (!found?.mine || found.overdue < 0) return false;
    const later = putOff(kind, found.overdue, found.extended, this.#chances);
    if (later === 0) return true;
    await tx.query(
      `UPDATE deadlines SET due_at = clock_timestamp() + make_interval(secs => $4), extended = true
       WHERE call_id = $1 AND kind = $2 AND user_alias = $3`,
      [call_id, kind, user_alias, later / 1000],
    );
    return false;
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
