import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppId, RecordingId } from '@communication-center/contracts';
import type { RecordingFault } from '@communication-center/contracts/recordings';
import { OutboxRelay, type Sql } from '@communication-center/event-log';
import { DueRows, nextAttemptIn, Postgres, Report, type ReportError, RowsInTurn, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { MediaSettings } from '../settings.js';
import { keyOf, type MadeFile, makeFiles } from './make-files.js';
import { tellOf } from './recording-events.js';
import { feedsOf, keepFiles, noteState, type RecordingRow } from './recording-rows.js';
import { ProgramEnded } from './run-program.js';
import { RecordingStorages } from './storage/recording-storages.js';

const name = 'processing recordings';
/** Who has a job in hand says so every so often; when it was not said for so long, in seconds, another takes it. */
const renewEveryMs = 5000;
const leaseSeconds = 20;
/** Seconds before each attempt after the first. */
const pauses = [5, 20, 60, 300, 900];
const mostAttempts = pauses.length + 1;
/** Janus may be closing files still, in seconds. */
const settleSeconds = 2;
const lookEveryMs = 10_000;

/** The files are made, and could not be kept. */
class NotKept extends Error {}

interface Job {
  rowId: string;
  attempt: number;
}

/** In which order jobs are done: of apps in turn. */
export const recordingJobs = { table: 'recording_jobs', id: 'recording_id', turn: 'app_id', first: '', turnsAtOnce: 20, rowsAtOnce: 20 };
const jobs = new RowsInTurn(recordingJobs);

/**
 * Makes the files of recordings that came to their end, some at a time, apps in turn, in what processors have to spare. The row of a job is a lease:
 * of a replica that is killed another takes it, and goes on with what is there.
 */
@Injectable()
export class ProcessRecordings implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;
  readonly #database;
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #round = jobs.first;

  constructor(
    database: Postgres,
    private readonly relay: OutboxRelay,
    private readonly storages: RecordingStorages,
    @Inject(Settings) private readonly settings: MediaSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#database = database.of('consumers');
    this.#loop = new DueRows({ name, work: () => this.#work(), onError: report, maxPauseMs: lookEveryMs });
  }

  /** How long whatever is recorded is kept, in seconds, where its app does not say. */
  get keptSeconds(): number {
    return this.settings.KEEP_RECORDINGS_DAYS * 86_400;
  }

  onApplicationBootstrap(): void {
    if (this.settings.RECORDING_JOBS > 0) this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  /** Adds the job of a recording, in the transaction that notes its end. */
  async add(tx: Sql, { recording_id, app_id }: RecordingRow): Promise<void> {
    await tx.query(
      `INSERT INTO recording_jobs (recording_id, app_id, next_attempt_at)
       VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3)) ON CONFLICT DO NOTHING`,
      [recording_id, app_id, settleSeconds],
    );
  }

  /** A job was added. */
  wake(): void {
    setTimeout(() => this.#loop.wake(), settleSeconds * 1000 + 50).unref();
  }

  async #work(): Promise<number | null> {
    const room = this.settings.RECORDING_JOBS - this.#running.size;
    if (room <= 0) return null;
    const { due, next } = await jobs.due(this.#database, this.#round);
    this.#round = next;
    for (const { rowId, made } of due.slice(0, room)) {
      const claim = { made, seconds: leaseSeconds, returning: 'mine.attempts' };
      if (await jobs.claim(this.#database, rowId, claim)) this.#begin({ rowId, attempt: made + 1 });
    }
    return next === jobs.first && due.length <= room ? null : 100;
  }

  #begin(job: Job): void {
    const done = this.#process(job)
      .catch((error: unknown) => this.report(error, name))
      .finally(() => {
        this.#running.delete(done);
        this.#loop.wake();
      });
    this.#running.add(done);
  }

  async #process(job: Job): Promise<void> {
    const row = await this.#recordingOf(job);
    if (!row) return;
    const lost = new AbortController();
    let progress = 0;
    const renewing = setInterval(() => {
      void this.#renew(job, progress)
        .then((isMine) => !isMine && lost.abort())
        .catch((error: unknown) => this.report(error, name));
    }, renewEveryMs);
    const signal = AbortSignal.any([lost.signal, this.#stopping.signal]);
    try {
      if (job.attempt > mostAttempts) return await this.#fail(job, row, 'processing_failed');
      await this.#make(job, row, signal, (made) => (progress = made));
    } catch (error) {
      if (lost.signal.aborted) return;
      const isOurs = error instanceof ProgramEnded || signal.aborted;
      if (!isOurs) this.report(error, name);
      const fault = error instanceof NotKept ? 'storage_failed' : 'processing_failed';
      if (!isOurs && job.attempt >= mostAttempts) await this.#fail(job, row, fault);
      else await this.#giveBack(job, isOurs ? 0 : (nextAttemptIn(pauses, job.attempt - 1, Math.random()) ?? 0), !isOurs);
    } finally {
      clearInterval(renewing);
    }
  }

  async #make(job: Job, row: RecordingRow, signal: AbortSignal, onProgress: (progress: number) => void): Promise<void> {
    const { raw, work } = this.foldersOf(row.recording_id);
    const feeds = (await feedsOf(this.#database, [row.recording_id])).get(row.recording_id) ?? [];
    const timeoutMs = this.settings.RECORDING_STEP_MS;
    const { files, seconds } = await makeFiles({
      ...{ raw, work, feeds, attempt: job.attempt, signal, timeoutMs, onProgress },
      onLeftOut: (error) => this.report(error, name),
    });
    if (files.length === 0) return this.#fail(job, row, 'nothing_recorded');
    const { storageId, keptSeconds } = await this.#store(row, files, signal).catch((cause: unknown) => {
      throw new NotKept('The files of a recording could not be kept', { cause });
    });
    const described = files.map(({ path: _, ...file }) => file);
    const written = await this.#database.transaction(async (tx) => {
      if (!(await takeJob(tx, job))) return undefined;
      const change = { state: 'ready' as const, seconds, storageId, keptSeconds };
      const ready = await noteState(tx, row, change, true);
      if (!ready) return undefined;
      await keepFiles(tx, row.recording_id, described);
      return tellOf(tx, 'recording.ready', ready, described);
    });
    if (!written) return;
    this.relay.committed(written);
    await this.forget(row.recording_id);
  }

  async #store(
    row: RecordingRow,
    files: readonly MadeFile[],
    signal: AbortSignal,
  ): Promise<{ storageId: string | null; keptSeconds: number }> {
    const { app_id: appId, recording_id: recordingId } = row;
    const { storageId, store, prefix } = await this.storages.currentOf(appId);
    for (const file of files) {
      await store.keep(keyOf(prefix, { appId, recordingId }, file.name), file, signal);
    }
    return { storageId, keptSeconds: Math.min(this.keptSeconds, (await this.storages.keptDaysOf(appId)) * 86_400) };
  }

  async #fail(job: Job, row: RecordingRow, fault: RecordingFault): Promise<void> {
    const written = await this.#database.transaction(async (tx) => {
      if (!(await takeJob(tx, job))) return [];
      const failed = await noteState(tx, row, { state: 'failed', fault, keptSeconds: this.keptSeconds }, true);
      return failed ? tellOf(tx, 'recording.failed', failed) : [];
    });
    this.relay.committed(written);
  }

  /** Where Janus wrote a recording, and where it is made into files. */
  foldersOf(recordingId: RecordingId): { raw: string; work: string } {
    const of = (kind: string) => join(this.settings.RECORDINGS_FOLDER, kind, recordingId);
    return { raw: of('raw'), work: of('work') };
  }

  /** Deletes what lies on disks of a recording while it is not made into files. */
  async forget(recordingId: RecordingId): Promise<void> {
    const { raw, work } = this.foldersOf(recordingId);
    for (const folder of [raw, work]) await rm(folder, { recursive: true, force: true });
  }

  async #recordingOf({ rowId }: Job): Promise<(RecordingRow & { app_id: AppId }) | undefined> {
    const { rows } = await this.#database.query<RecordingRow>("SELECT * FROM recordings WHERE recording_id = $1 AND state = 'processing'", [
      rowId,
    ]);
    return rows[0];
  }

  /** @returns whether the job is still this process'. */
  async #renew({ rowId, attempt }: Job, progress: number): Promise<boolean> {
    const { rowCount } = await this.#database.query(
      `UPDATE recording_jobs SET next_attempt_at = clock_timestamp() + make_interval(secs => $3), progress = $4
       WHERE recording_id = $1 AND attempts = $2`,
      [rowId, attempt, leaseSeconds, progress],
    );
    return rowCount === 1;
  }

  /** @param isAttempt whether it counts: of one that was broken off, because this process stops, it does not. */
  async #giveBack({ rowId, attempt }: Job, inMs: number, isAttempt: boolean): Promise<void> {
    await this.#database.query(
      `UPDATE recording_jobs SET next_attempt_at = clock_timestamp() + make_interval(secs => $3::float8 / 1000), attempts = attempts - $4::int
       WHERE recording_id = $1 AND attempts = $2`,
      [rowId, attempt, inMs, isAttempt ? 0 : 1],
    );
  }
}

/** Ends a job, where it is still who asks who has it. @returns whether it was. */
async function takeJob(tx: Sql, { rowId, attempt }: Job): Promise<boolean> {
  const { rowCount } = await tx.query('DELETE FROM recording_jobs WHERE recording_id = $1 AND attempts = $2', [rowId, attempt]);
  return rowCount === 1;
}
