import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppId, RecordingId } from '@communication-center/contracts';
import type { RecordingFault } from '@communication-center/contracts/recordings';
import { OutboxRelay, type Sql } from '@communication-center/event-log';
import {
  type HeldLease,
  LeasedRows,
  LeasedWork,
  nextAttemptIn,
  Postgres,
  Report,
  type ReportError,
  RowsInTurn,
  Settings,
} from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { MediaSettings } from '../settings.js';
import { DiskFull, keyOf, type MadeFile, makeFiles } from './make-files.js';
import { NamesOfPeople } from './names-of-people.js';
import { tellOf } from './recording-events.js';
import { type Feed, feedsOf, keepFiles, noteState, type RecordingRow } from './recording-rows.js';
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
/** Programs are killed at once where the service stops; what else is in hand has so long, in milliseconds. */
const graceMs = 5000;

/** The files are made, and could not be kept. */
class NotKept extends Error {}

interface Job {
  rowId: string;
  attempt: number;
  /** How far it is, from 0 to 1. */
  progress: number;
}

/** In which order jobs are done: of apps in turn. */
export const recordingJobs = { table: 'recording_jobs', id: 'recording_id', turn: 'app_id', first: '', turnsAtOnce: 20, rowsAtOnce: 20 };
const jobs = new RowsInTurn(recordingJobs);
const leases = new LeasedRows({
  ...{ table: recordingJobs.table, id: recordingJobs.id, due: 'next_attempt_at', only: "state = 'pending'", fence: 'attempts' },
});
const claimOf = ({ rowId: id, attempt: fence }: Job) => ({ id, fence });

/**
 * Makes the files of recordings that came to their end, some at a time, apps in turn, in what processors have to spare. The row of a job is a lease:
 * of a replica that is killed another takes it, and goes on with what is there.
 */
@Injectable()
export class ProcessRecordings extends LeasedWork<Job> {
  readonly #database;
  #round = jobs.first;

  constructor(
    database: Postgres,
    private readonly relay: OutboxRelay,
    private readonly storages: RecordingStorages,
    @Inject(Settings) private readonly settings: MediaSettings,
    @Inject(Report) private readonly report: ReportError,
    private readonly people: NamesOfPeople,
  ) {
    const lease = { leaseMs: leaseSeconds * 1000, renewEveryMs, graceMs };
    super({ name, report, maxPauseMs: lookEveryMs, mostAtOnce: settings.RECORDING_JOBS, ...lease });
    this.#database = database.of('consumers');
  }

  /** How long whatever is recorded is kept, in seconds, where its app does not say. */
  get keptSeconds(): number {
    return this.settings.KEEP_RECORDINGS_DAYS * 86_400;
  }

  override onApplicationBootstrap(): void {
    if (this.settings.RECORDING_JOBS > 0) super.onApplicationBootstrap();
  }

  /** Adds the job of a recording, in the transaction that notes its end. */
  async add(tx: Sql, { recording_id, app_id }: RecordingRow): Promise<void> {
    await tx.query(
      `INSERT INTO recording_jobs (recording_id, app_id, next_attempt_at)
       VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3)) ON CONFLICT DO NOTHING`,
      [recording_id, app_id, settleSeconds],
    );
  }

  /** A job was added: it is due once Janus has closed its files. */
  added(): void {
    setTimeout(() => this.wake(), settleSeconds * 1000 + 50).unref();
  }

  protected async look(room: number, begin: (job: Job) => void): Promise<number | null> {
    if (room === 0) return null;
    const { due, next } = await jobs.due(this.#database, this.#round);
    this.#round = next;
    for (const { rowId, made } of due.slice(0, room)) {
      const claim = { made, seconds: leaseSeconds, returning: 'mine.attempts' };
      if (await jobs.claim(this.#database, rowId, claim)) begin({ rowId, attempt: made + 1, progress: 0 });
    }
    return next === jobs.first && due.length <= room ? null : 100;
  }

  protected async carryOut(lease: HeldLease<Job>): Promise<void> {
    await lease.whileKept(this.#process(lease));
  }

  protected async renew(job: Job): Promise<Job | undefined> {
    const also = { set: 'progress = $4::real', values: [job.progress] };
    return (await leases.renew(this.#database, claimOf(job), leaseSeconds, also)) === undefined ? undefined : job;
  }

  /** An attempt that was broken off, because this process stops, does not count. */
  protected release(job: Job): Promise<void> {
    return leases.release(this.#database, claimOf(job), 0, { set: 'attempts = attempts - 1', values: [] });
  }

  async #process({ row: job, over }: HeldLease<Job>): Promise<void> {
    const row = await this.#recordingOf(job);
    if (!row) return;
    try {
      if (job.attempt > mostAttempts) return await this.#fail(job, row, 'processing_failed');
      await this.#make(job, row, over);
    } catch (error) {
      if (over.aborted) return;
      this.report(error, name);
      const fault = faultOf(error);
      // What was made already can be made again, and others may need the room. What was recorded cannot.
      if (fault === 'disk_full') await rm(this.foldersOf(row.recording_id).work, { recursive: true, force: true });
      if (job.attempt >= mostAttempts) return this.#fail(job, row, fault);
      const inMs = nextAttemptIn(pauses, job.attempt - 1, Math.random()) ?? 0;
      await leases.release(this.#database, claimOf(job), inMs / 1000);
    }
  }

  async #make(job: Job, row: RecordingRow, signal: AbortSignal): Promise<void> {
    const { raw, work } = this.foldersOf(row.recording_id);
    const feeds = (await feedsOf(this.#database, [row.recording_id])).get(row.recording_id) ?? [];
    const timeoutMs = this.settings.RECORDING_STEP_MS;
    const names = await this.#namesOf(row, feeds);
    const { files, seconds } = await makeFiles({
      ...{ raw, work, feeds, names, attempt: job.attempt, signal, timeoutMs, onProgress: (made) => (job.progress = made) },
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

  /** Where nobody knows how people are called just now, it is not said. */
  async #namesOf({ app_id }: RecordingRow, feeds: readonly Feed[]): Promise<Map<string, string>> {
    try {
      return await this.people.of(
        app_id,
        feeds.map(({ userAlias }) => userAlias),
      );
    } catch (error) {
      this.report(error, name);
      return new Map();
    }
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
}

/** @returns what an attempt that failed counts as. */
function faultOf(error: unknown): RecordingFault {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    if (one instanceof DiskFull || ('code' in one && one.code === 'ENOSPC')) return 'disk_full';
  }
  return error instanceof NotKept ? 'storage_failed' : 'processing_failed';
}

/** Ends a job, where it is still who asks who has it. @returns whether it was. */
async function takeJob(tx: Sql, { rowId, attempt }: Job): Promise<boolean> {
  const { rowCount } = await tx.query('DELETE FROM recording_jobs WHERE recording_id = $1 AND attempts = $2', [rowId, attempt]);
  return rowCount === 1;
}
