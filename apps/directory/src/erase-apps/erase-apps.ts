import { type AppId, enveloped, type UserAlias } from '@communication-center/contracts';
import { internalLimits } from '@communication-center/contracts/internal';
import { OutboxRelay, type Sql, type WrittenRow, writeOutbox } from '@communication-center/event-log';
import { currentTraceparent, DueRows, Postgres, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { putOnRecord } from '../audit/audit.js';

/** Users that one transaction erases at most: each leaves two events. */
const usersAtOnce = 200;
const rowsAtOnce = 1000;
/** Another replica may have been asked to delete an app, and may have died since. */
const lookMs = 10_000;

/** What an app has here besides its users. What was done to it stays on record, as long as other records do. */
const tables = ['sip_accounts', 'api_keys', 'app_secrets', 'stored_bytes'];

/**
 * Erases what deleted apps stored, a batch to a transaction: how far it came lies in what is left, so that whoever comes next goes
 * on there. Each user is told to be deleted, as if alone, so that the log and all who read it forget them too.
 */
@Injectable()
export class EraseApps implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #database: Pick<Postgres, 'query' | 'transaction'>;
  readonly #loop: DueRows;
  #stopping = false;

  constructor(
    database: Postgres,
    private readonly relay: OutboxRelay,
    @Inject(Report) report: ReportError,
  ) {
    this.#database = database.of('jobs');
    this.#loop = new DueRows({ name: 'erasing deleted apps', work: () => this.#eraseAll(), onError: report, maxPauseMs: lookMs });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    await this.#loop.stop();
  }

  /** An app was deleted. */
  wake(): void {
    this.#loop.wake();
  }

  /** @returns apps of which nothing is left here, those that were done first. @param after a moment, in ISO 8601. */
  async erasedAfter(after: string): Promise<{ appId: AppId; erasedAt: string }[]> {
    const { rows } = await this.#database.query<{ app_id: AppId; erased_at: Date }>(
      'SELECT app_id, erased_at FROM apps WHERE erased_at > $1 ORDER BY erased_at LIMIT $2',
      [after, internalLimits.erasedAppsAtOnce],
    );
    return rows.map(({ app_id, erased_at }) => ({ appId: app_id, erasedAt: erased_at.toISOString() }));
  }

  async #eraseAll(): Promise<null> {
    while (!this.#stopping) {
      const written = await this.#database.transaction((tx) => eraseSome(tx));
      if (!written) return null;
      this.relay.committed(written);
    }
    return null;
  }
}

/**
 * Erases a batch of what an app that was deleted has left, unless another replica is at it.
 * @returns what to tell the relay of after the commit; undefined where there is nothing to erase.
 */
export async function eraseSome(tx: Sql): Promise<WrittenRow[] | undefined> {
  const { rows } = await tx.query<{ app_id: AppId }>(
    'SELECT app_id FROM apps WHERE deleted_at IS NOT NULL AND erased_at IS NULL ORDER BY deleted_at LIMIT 1 FOR UPDATE SKIP LOCKED',
  );
  const appId = rows[0]?.app_id;
  if (appId === undefined) return undefined;
  const users = await eraseUsers(tx, appId);
  if (users.count > 0) return users.written;
  for (const table of tables) {
    const { rowCount } = await tx.query(
      `DELETE FROM ${table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM ${table} WHERE app_id = $1 LIMIT ${rowsAtOnce}))`,
      [appId],
    );
    if (rowCount) return [];
  }
  await putOnRecord(tx, appId, { actor: 'center', act: 'app.erased', target: appId });
  await tx.query("UPDATE apps SET erased_at = date_trunc('milliseconds', clock_timestamp()) WHERE app_id = $1", [appId]);
  return [];
}

async function eraseUsers(tx: Sql, appId: AppId): Promise<{ count: number; written: WrittenRow[] }> {
  const { rows } = await tx.query<{ user_alias: UserAlias; sequence: string; is_told: boolean; now: Date }>(
    `DELETE FROM users WHERE ctid = ANY(ARRAY(SELECT ctid FROM users WHERE app_id = $1 LIMIT ${usersAtOnce} FOR UPDATE))
     RETURNING user_alias, sequence, deleted_at IS NOT NULL AS is_told, clock_timestamp() AS now`,
    [appId],
  );
  const entries = rows
    .filter(({ is_told }) => !is_told)
    .flatMap(({ user_alias: userAlias, sequence, now: at }) => {
      const key = `user:${appId}/${userAlias}`;
      const origin = {
        id: uuidv7(),
        source: '/directory',
        at,
        subject: key,
        appId,
        sequence: Number(sequence) + 1,
        traceparent: currentTraceparent(),
      };
      const event = enveloped({ type: 'user.deleted', data: { userAlias } }, origin);
      return [event, null].map((one) => ({ topic: 'directory.events' as const, key, event: one }));
    });
  return { count: rows.length, written: await writeOutbox(tx, entries) };
}
