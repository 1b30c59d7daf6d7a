import type { RecordingId } from '@communication-center/contracts';
import { OutboxRelay } from '@communication-center/event-log';
import { type Erasure, erasedAtOnce, LeasedRows, Postgres, Report, type ReportError, WorksOnDueRows } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { keyOf } from './make-files.js';
import { ProcessRecordings } from './process-recordings.js';
import { tellOf } from './recording-events.js';
import { filesOf, type RecordingRow } from './recording-rows.js';
import { RecordingStorages } from './storage/recording-storages.js';

const name = 'deleting recordings';
const everyMs = 60_000;
const atOnce = 10;
/** Who claims some has so long, in seconds; what could not be deleted is tried again then. */
const claimSeconds = 600;

/** Recordings whose time has come: what could not be deleted of one keeps no other waiting. */
export const expired = new LeasedRows({ table: 'recordings', id: 'recording_id', due: 'expires_at', only: 'expires_at IS NOT NULL' });

/** Deletes recordings whose time has come, wherever their files are, and then what is known of them; tells so, unless their app is gone. */
@Injectable()
export class DeleteRecordings extends WorksOnDueRows {
  readonly #database;

  constructor(
    database: Postgres,
    private readonly storages: RecordingStorages,
    private readonly processing: ProcessRecordings,
    private readonly relay: OutboxRelay,
    @Inject(Report) private readonly report: ReportError,
  ) {
    super({ name, report, maxPauseMs: everyMs });
    this.#database = database.background;
  }

  /** Has the time of a recording come: from now on nobody gets its files. */
  async delete(recordingId: RecordingId): Promise<void> {
    await this.#database.query(
      "UPDATE recordings SET expires_at = clock_timestamp() WHERE recording_id = $1 AND state IN ('ready', 'failed')",
      [recordingId],
    );
    this.wake();
  }

  protected async work(): Promise<number | null> {
    const rows = await expired.claim<RecordingRow & { is_erased: boolean }>(this.#database, atOnce, claimSeconds);
    for (const row of rows) await this.#delete(row, row.is_erased).catch((error: unknown) => this.report(error, name));
    return rows.length === atOnce ? 0 : null;
  }

  async #delete(row: RecordingRow, isErased: boolean): Promise<void> {
    const { recording_id: recordingId, app_id: appId, storage_id } = row;
    const files = (await filesOf(this.#database, [recordingId])).get(recordingId) ?? [];
    if (files.length > 0) {
      const { store, prefix } = await this.storages.of(storage_id);
      await store.remove(files.map((file) => keyOf(prefix, { appId, recordingId }, file.name)));
    }
    await this.processing.forget(recordingId);
    const written = await this.#database.transaction(async (tx) => {
      const told = isErased ? [] : await tellOf(tx, 'recording.deleted', { ...row, told: row.told + 1 }, files);
      await tx.query('DELETE FROM recordings WHERE recording_id = $1', [recordingId]);
      return told;
    });
    this.relay.committed(written);
  }
}

/** What goes with an app that was deleted: its recordings as soon as their files have, and then where those were. */
export const recordingsOfDeletedApps: readonly Erasure[] = [
  {
    table: 'recordings',
    statement: `UPDATE recordings SET is_erased = true, expires_at = clock_timestamp(), look_at = NULL, wanted = 'stopped' WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM recordings WHERE app_id = $1 AND NOT is_erased LIMIT ${erasedAtOnce}))`,
  },
  {
    table: 'recording_storages',
    statement: `DELETE FROM recording_storages WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM recording_storages AS place WHERE app_id = $1
        AND NOT EXISTS (SELECT 1 FROM recordings WHERE recordings.app_id = $1) LIMIT ${erasedAtOnce}))`,
  },
];
