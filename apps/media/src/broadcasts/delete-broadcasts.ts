import { readdir } from 'node:fs/promises';
import type { BroadcastId } from '@communication-center/contracts';
import { DueRows, type Erasure, erasedAtOnce, Postgres, Report, type ReportError, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { MediaSettings } from '../settings.js';
import { forgetFiles } from './carry-out-broadcasts.js';

const name = 'deleting broadcasts';
const everyMs = 15_000;
const atOnce = 20;
/** Folders that nobody knows of are looked for so often, in looks. */
const sweepEvery = 40;

/** Deletes what lies on disks of broadcasts that are over, once viewers had the time to see their end; and what is known of them in their time. */
@Injectable()
export class DeleteBroadcasts implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;
  readonly #database;
  #looks = 0;

  constructor(
    database: Postgres,
    @Inject(Settings) private readonly settings: MediaSettings,
    @Inject(Report) report: ReportError,
  ) {
    this.#database = database.background;
    this.#loop = new DueRows({ name, work: () => this.#work(), onError: report, maxPauseMs: everyMs });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }

  async #work(): Promise<number | null> {
    const { rows } = await this.#database.query<{ broadcast_id: BroadcastId }>(
      'SELECT broadcast_id FROM broadcasts WHERE files_until <= clock_timestamp() ORDER BY files_until LIMIT $1',
      [atOnce],
    );
    for (const { broadcast_id } of rows) await forgetFiles(this.settings.BROADCASTS_FOLDER, broadcast_id);
    // The files first: of what is known no longer nobody would delete them.
    const ids = rows.map(({ broadcast_id }) => broadcast_id);
    if (ids.length > 0) await this.#database.query('UPDATE broadcasts SET files_until = NULL WHERE broadcast_id = ANY($1::uuid[])', [ids]);
    const gone = await this.#database.query(
      `DELETE FROM broadcasts WHERE ctid = ANY(ARRAY(SELECT ctid FROM broadcasts WHERE expires_at <= clock_timestamp() AND files_until IS NULL LIMIT $1))`,
      [atOnce],
    );
    if (this.#looks++ % sweepEvery === 0) await this.#sweep();
    return rows.length === atOnce || gone.rowCount === atOnce ? 0 : null;
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
