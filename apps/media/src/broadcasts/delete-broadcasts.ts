import { readdir } from 'node:fs/promises';
import type { BroadcastId } from '@communication-center/contracts';
import {
  type Erasure,
  erasedAtOnce,
  LeasedRows,
  Postgres,
  Report,
  type ReportError,
  Settings,
  WorksOnDueRows,
} from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { MediaSettings } from '../settings.js';
import { forgetFiles } from './carry-out-broadcasts.js';

const name = 'deleting broadcasts';
const everyMs = 15_000;
const atOnce = 20;
/** Who claims some has so long, in seconds; what could not be deleted is tried again then, and keeps no other waiting. */
const claimSeconds = 60;
/** Folders that nobody knows of are looked for so often, in looks. */
const sweepEvery = 40;

/** Broadcasts that are over, and lie on disks. */
export const withFiles = new LeasedRows({ table: 'broadcasts', id: 'broadcast_id', due: 'files_until', only: 'files_until IS NOT NULL' });
/** Forgets broadcasts whose time has come, so many at most. */
export const forgetExpired = `DELETE FROM broadcasts WHERE ctid = ANY(ARRAY(
  SELECT ctid FROM broadcasts WHERE expires_at <= clock_timestamp() AND files_until IS NULL ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`;

/** Deletes what lies on disks of broadcasts that are over, once viewers had the time to see their end; and what is known of them in their time. */
@Injectable()
export class DeleteBroadcasts extends WorksOnDueRows {
  readonly #database;
  #looks = 0;

  constructor(
    database: Postgres,
    @Inject(Settings) private readonly settings: MediaSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    super({ name, report, maxPauseMs: everyMs });
    this.#database = database.background;
  }

  protected async work(): Promise<number | null> {
    const rows = await withFiles.claim<{ broadcast_id: BroadcastId }>(this.#database, atOnce, claimSeconds);
    for (const { broadcast_id } of rows) await this.#delete(broadcast_id).catch((error: unknown) => this.report(error, name));
    const gone = await this.#database.query(forgetExpired, [atOnce]);
    if (this.#looks++ % sweepEvery === 0) await this.#sweep();
    return rows.length === atOnce || gone.rowCount === atOnce ? 0 : null;
  }

  /** The files first: of what is known no longer nobody would delete them. */
  async #delete(broadcastId: BroadcastId): Promise<void> {
    await forgetFiles(this.settings.BROADCASTS_FOLDER, broadcastId);
    await this.#database.query('UPDATE broadcasts SET files_until = NULL WHERE broadcast_id = $1', [broadcastId]);
  }

  /** Folders of broadcasts that the database does not know, as after it was put back to an earlier state. */
  async #sweep(): Promise<void> {
    const folders = await readdir(this.settings.BROADCASTS_FOLDER).catch(() => []);
    const ids = folders.filter((one) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(one)).slice(0, 1000);
    if (ids.length === 0) return;
    const { rows } = await this.#database.query<{ id: string }>(
      `SELECT id::text FROM unnest($1::uuid[]) AS id WHERE NOT EXISTS
         (SELECT 1 FROM broadcasts WHERE broadcast_id = id AND (look_at IS NOT NULL OR files_until IS NOT NULL))`,
      [ids],
    );
    for (const { id } of rows) await forgetFiles(this.settings.BROADCASTS_FOLDER, id);
  }
}

/** What goes with an app that was deleted: its broadcasts end, and are known no longer once their files are gone. */
export const broadcastsOfDeletedApps: readonly Erasure[] = [
  {
    table: 'broadcasts',
    statement: `UPDATE broadcasts SET is_erased = true, wanted = 'stopped', push_sealed = NULL, push_id = NULL, look_at = NULL,
        is_told_to_call = true, files_until = clock_timestamp(), expires_at = clock_timestamp() WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM broadcasts WHERE app_id = $1 AND NOT is_erased LIMIT ${erasedAtOnce}))`,
  },
];
