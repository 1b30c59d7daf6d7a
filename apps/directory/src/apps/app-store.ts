import { type AppBody, type AppId, type AppOptions, type AppState, type AppView, appOptionsSchema } from '@communication-center/contracts';
import type { Ended } from '@communication-center/contracts/internal';
import { OutboxRelay, type Sql } from '@communication-center/event-log';
import { Postgres, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import type { Note } from '../audit/audit.js';
import { noteEnd } from '../ends/ends.js';
import { publish } from '../publish.js';
import { readTogether } from '../read-together.js';
import { changedLimits } from './changed-limits.js';

interface AppRow {
  app_id: AppId;
  name: string;
  trusts_bare_alias: boolean;
  options: unknown;
  sequence: string;
  state: AppState;
  created_at: Date;
}

function toView(row: AppRow): AppView {
  return {
    appId: row.app_id,
    name: row.name,
    trustsBareAlias: row.trusts_bare_alias,
    options: appOptionsSchema.parse(row.options),
    createdAt: row.created_at.toISOString(),
    state: row.state === 'suspended' ? 'suspended' : 'active',
  };
}

/** @throws ProblemError `app_suspended`, or `unknown_app` for one that was deleted. */
export function requireOpen(appId: AppId, state: AppState): void {
  if (state === 'deleted') throw unknownApp(appId);
  if (state === 'suspended') throw new ProblemError('app_suspended', `App ${appId} is suspended: ask whoever runs this Center`);
}

const unknownApp = (appId: AppId) => new ProblemError('unknown_app', `No app is called ${appId}`);

/** @returns what every door is told of an app that was changed, since watches that stand go on by it. */
function visibilityOf({ app_id: appId, sequence, options }: AppRow): Ended {
  return { what: 'visibility', appId, sequence: Number(sequence), rule: appOptionsSchema.parse(options).presenceVisibility };
}

@Injectable()
export class AppStore {
  readonly #known = readTogether<AppId, AppState>(String, (appIds) => this.#those(appIds));

  constructor(
    private readonly database: Postgres,
    private readonly relay: OutboxRelay,
  ) {}

  /**
   * Makes an app, or changes it.
   * @param noteLimits puts on record what becomes of its limits, where that is something else.
   * @throws ProblemError `conflict` for the name of one that was deleted.
   */
  async save(appId: AppId, body: AppBody, note: Note, noteLimits: (changed: string) => Note): Promise<AppView> {
    return this.#write(
      appId,
      async (tx) => {
        // Two who make it at once find none both: then the limits of the second are on record as those of a new app.
        const before = await tx.query<Pick<AppRow, 'options'>>('SELECT options FROM apps WHERE app_id = $1 FOR UPDATE', [appId]);
        const { rows } = await tx.query<AppRow>(
          `INSERT INTO apps (app_id, name, trusts_bare_alias, options, sequence) VALUES ($1, $2, $3, $4, 1)
         ON CONFLICT (app_id) DO UPDATE
         SET name = excluded.name, trusts_bare_alias = excluded.trusts_bare_alias, options = excluded.options, sequence = apps.sequence + 1
         WHERE apps.state <> 'deleted'
         RETURNING *`,
          [appId, body.name, body.trustsBareAlias, JSON.stringify(body.options)],
        );
        if (!rows[0]) throw new ProblemError('conflict', `An app called ${appId} was deleted: its name is not given again`);
        await note(tx);
        const changed = changedLimits(before.rows[0] && appOptionsSchema.parse(before.rows[0].options).limits, body.options.limits);
        if (changed !== undefined) await noteLimits(changed)(tx);
        return rows[0];
      },
      visibilityOf,
    );
  }

  /** Puts out everybody whom an app let in, and lets nobody in until it is resumed. @throws ProblemError `unknown_app`. */
  async suspend(appId: AppId, note: Note): Promise<AppView> {
    return this.#become(appId, 'suspended', note);
  }

  /** @throws ProblemError `unknown_app`. */
  async resume(appId: AppId, note: Note): Promise<AppView> {
    return this.#become(appId, 'active', note);
  }

  /**
   * Deletes an app: it ends at once, as if suspended, and what it stored goes after that, bit by bit. Its row stays, with nothing
   * but its name. @throws ProblemError `unknown_app`.
   */
  async delete(appId: AppId, note: Note): Promise<void> {
    await this.#write(
      appId,
      async (tx) => {
        const { rows } = await tx.query<AppRow>(
          `UPDATE apps SET state = 'deleted', deleted_at = clock_timestamp(), name = '', trusts_bare_alias = false, options = '{}',
                  sequence = sequence + 1
           WHERE app_id = $1 AND state <> 'deleted' RETURNING *`,
          [appId],
        );
        if (!rows[0]) throw unknownApp(appId);
        await note(tx);
        return rows[0];
      },
      () => ({ what: 'app', appId }),
    );
  }

  /** Makes sure that there is such an app, and that it may be used. @throws ProblemError `unknown_app`, `app_suspended`. */
  async require(appId: AppId): Promise<void> {
    const state = await this.#known(appId);
    if (!state) throw unknownApp(appId);
    requireOpen(appId, state);
  }

  /** @throws ProblemError `unknown_app`. */
  async get(appId: AppId): Promise<AppView> {
    const row = await this.#row(appId);
    if (row.state === 'deleted') throw unknownApp(appId);
    return toView(row);
  }

  /** @throws ProblemError `unknown_app`. */
  async options(appId: AppId): Promise<{ sequence: number; options: AppOptions; state: AppState }> {
    const row = await this.#row(appId);
    return { sequence: Number(row.sequence), options: appOptionsSchema.parse(row.options), state: row.state };
  }

  /** Whether any app allows pages of an origin. */
  async isOriginOfAny(origin: string): Promise<boolean> {
    // Planned apart, as if all of them were wanted: for the first of many the planner would read the table, where there may be none.
    const { rows } = await this.database.query(
      `WITH theirs AS MATERIALIZED (SELECT 1 FROM apps WHERE options->'allowedOrigins' ? $1) SELECT 1 FROM theirs LIMIT 1`,
      [origin],
    );
    return rows.length > 0;
  }

  async #those(appIds: readonly AppId[]): Promise<Map<string, AppState>> {
    const { rows } = await this.database.query<Pick<AppRow, 'app_id' | 'state'>>('SELECT app_id, state FROM apps WHERE app_id = ANY($1)', [
      appIds,
    ]);
    return new Map(rows.map(({ app_id, state }) => [app_id, state]));
  }

  async #row(appId: AppId): Promise<AppRow> {
    const { rows } = await this.database.query<AppRow>('SELECT * FROM apps WHERE app_id = $1', [appId]);
    if (!rows[0]) throw unknownApp(appId);
    return rows[0];
  }

  async #become(appId: AppId, state: 'active' | 'suspended', note: Note): Promise<AppView> {
    const before = await this.get(appId);
    if (before.state === state) return before;
    return this.#write(
      appId,
      async (tx) => {
        const { rows } = await tx.query<AppRow>(
          "UPDATE apps SET state = $2, sequence = sequence + 1 WHERE app_id = $1 AND state <> 'deleted' RETURNING *",
          [appId, state],
        );
        if (!rows[0]) throw unknownApp(appId);
        await note(tx);
        return rows[0];
      },
      () => ({ what: state === 'suspended' ? 'app' : 'app_resumed', appId }),
    );
  }

  /** @param endOf tells what ends with the change, which is noted last. */
  async #write(appId: AppId, change: (tx: Sql) => Promise<AppRow>, endOf: (row: AppRow) => Ended): Promise<AppView> {
    const { view, shards } = await this.database.transaction(async (tx) => {
      const row = await change(tx);
      const { trusts_bare_alias: trustsBareAlias, state } = row;
      // Whoever writes to the contact asks for the address: no topic holds it.
      const { contactEmail: _, ...options } = appOptionsSchema.parse(row.options);
      const data = { options, trustsBareAlias, state };
      const shards = await publish(tx, appId, `app:${appId}`, Number(row.sequence), { type: 'app.saved', data });
      await noteEnd(tx, endOf(row));
      return { view: toView(row), shards };
    });
    this.relay.committed(shards);
    return view;
  }
}
