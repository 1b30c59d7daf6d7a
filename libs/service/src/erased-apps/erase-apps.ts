import type { AppId } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import type { Sql } from '@communication-center/event-log';
import type { BeforeApplicationShutdown, FactoryProvider, OnApplicationBootstrap } from '@nestjs/common';
import { Postgres } from '../database/postgres.js';
import { DueRows } from '../due-rows.js';
import { Identity } from '../identity.js';
import { Replicas } from '../replicas.js';
import { Report, type ReportError } from '../service.module.js';
import { ServiceClient } from '../service-client.js';
import { Settings } from '../settings.js';

/** What is erased of an app: a statement deletes so many rows of `$1`, an app, at most, by an index. */
export interface Erasure {
  table: string;
  statement: string;
}

/** Rows a statement erases at most. */
export const erasedAtOnce = 1000;
/** How often a service asks which apps were deleted. */
export interface AskingForErased {
  everyMs: number;
  /** SQL that finds a row where the service stores anything of apps at all: while it does not, nobody is asked. It always does when left out. */
  anything?: string;
}

const usually: AskingForErased = { everyMs: 30_000 };
const answerMs = 3000;
/** Events of the app may still be under way: for so long after the directory was done, in seconds, what they bring is erased as well. */
const lateSeconds = 3600;

/** @param table one that has an index on `app_id`, or one that leads with it. @param only which of its rows may go, in SQL. */
export const rowsOfApp = (table: string, only = 'true'): Erasure => ({
  table,
  statement: `DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE app_id = $1 AND ${only} LIMIT ${erasedAtOnce} FOR UPDATE SKIP LOCKED))`,
});

/**
 * Erases what apps that were deleted stored in a service: a batch to a transaction, each by itself, so that whoever comes next goes
 * on with what is left. It is asked of the directory which they are, once it has told of the end of each of their users.
 */
export class EraseApps implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;
  #stopping = false;

  constructor(
    private readonly database: Sql,
    private readonly directory: Pick<ServiceClient, 'ask'>,
    private readonly erasures: readonly Erasure[],
    report: ReportError,
    private readonly asking = usually,
  ) {
    this.#loop = new DueRows({ name: 'erasing deleted apps', work: () => this.look(), onError: report, maxPauseMs: asking.everyMs });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    await this.#loop.stop();
  }

  /** Learns which apps were deleted, and erases what is here of those that are not done. */
  async look(): Promise<null> {
    const { anything } = this.asking;
    if (anything !== undefined && (await this.database.query(anything)).rows.length === 0) return null;
    await this.#learn();
    const { rows } = await this.database.query<{ app_id: AppId; is_late: boolean }>(
      `SELECT app_id, erased_at < now() - make_interval(secs => ${lateSeconds}) AS is_late FROM erased_apps WHERE done_at IS NULL ORDER BY erased_at`,
    );
    for (const { app_id: appId, is_late: isLate } of rows) {
      const isDone = await this.#erase(appId);
      if (this.#stopping) return null;
      if (isDone && isLate) await this.database.query('UPDATE erased_apps SET done_at = now() WHERE app_id = $1', [appId]);
    }
    return null;
  }

  async #learn(): Promise<void> {
    const { rows } = await this.database.query<{ after: Date }>(
      `SELECT coalesce((SELECT max(erased_at) FROM erased_apps), 'epoch') AS after`,
    );
    const after = (rows[0]?.after ?? new Date(0)).toISOString();
    const { apps } = await this.directory.ask(internal.erasedApps, { query: { after } }, { timeoutMs: answerMs });
    if (apps.length === 0) return;
    await this.database.query(
      'INSERT INTO erased_apps (app_id, erased_at) SELECT * FROM unnest($1::text[], $2::timestamptz[]) ON CONFLICT DO NOTHING',
      [apps.map(({ appId }) => appId), apps.map(({ erasedAt }) => erasedAt)],
    );
  }

  /** @returns whether nothing of it was here. */
  async #erase(appId: AppId): Promise<boolean> {
    let all = 0;
    for (const { statement } of this.erasures) {
      for (let gone = 1; gone > 0 && !this.#stopping; ) {
        gone = (await this.database.query(statement, [appId])).rowCount ?? 0;
        all += gone;
      }
    }
    return all === 0;
  }
}

/** Makes the provider that erases what deleted apps stored in a service, table by table in this order. */
export function eraseApps(erasures: readonly Erasure[], asking?: AskingForErased): FactoryProvider<EraseApps> {
  return {
    provide: EraseApps,
    inject: [Postgres, Identity, Settings, Report],
    useFactory: (database: Postgres, identity: Identity, { DIRECTORY_URL }: { DIRECTORY_URL: string[] }, report: ReportError) =>
      new EraseApps(database.background, new ServiceClient(identity, 'directory', new Replicas(DIRECTORY_URL)), erasures, report, asking),
  };
}
