import { type AppBody, type AppId, type AppOptions, type AppView, appOptionsSchema } from '@communication-center/contracts';
import { OutboxRelay } from '@communication-center/event-log';
import { Postgres, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import type { Note } from '../audit/audit.js';
import { publish } from '../publish.js';
import { readTogether } from '../read-together.js';

interface AppRow {
  app_id: AppId;
  name: string;
  trusts_bare_alias: boolean;
  options: unknown;
  sequence: string;
  created_at: Date;
}

function toView(row: AppRow): AppView {
  return {
    appId: row.app_id,
    name: row.name,
    trustsBareAlias: row.trusts_bare_alias,
    options: appOptionsSchema.parse(row.options),
    createdAt: row.created_at.toISOString(),
  };
}

@Injectable()
export class AppStore {
  readonly #known = readTogether<AppId, AppId>(String, (appIds) => this.#those(appIds));

  constructor(
    private readonly database: Postgres,
    private readonly relay: OutboxRelay,
  ) {}

  /** Makes an app, or changes it. */
  async save(appId: AppId, body: AppBody, note: Note): Promise<AppView> {
    const { view, shards } = await this.database.transaction(async (tx) => {
      const { rows } = await tx.query<AppRow>(
        `INSERT INTO apps (app_id, name, trusts_bare_alias, options, sequence) VALUES ($1, $2, $3, $4, 1)
         ON CONFLICT (app_id) DO UPDATE
         SET name = excluded.name, trusts_bare_alias = excluded.trusts_bare_alias, options = excluded.options, sequence = apps.sequence + 1
         RETURNING *`,
        [appId, body.name, body.trustsBareAlias, JSON.stringify(body.options)],
      );
      const row = rows[0] as AppRow;
      await note(tx);
      const data = { options: body.options, trustsBareAlias: body.trustsBareAlias };
      return { view: toView(row), shards: await publish(tx, appId, `app:${appId}`, Number(row.sequence), { type: 'app.saved', data }) };
    });
    this.relay.committed(shards);
    return view;
  }

  /** Makes sure that there is such an app. @throws ProblemError `unknown_app`. */
  async require(appId: AppId): Promise<void> {
    if (!(await this.#known(appId))) throw new ProblemError('unknown_app', `No app is called ${appId}`);
  }

  /** @throws ProblemError `unknown_app`. */
  async get(appId: AppId): Promise<AppView> {
    return toView(await this.#row(appId));
  }

  /** @throws ProblemError `unknown_app`. */
  async options(appId: AppId): Promise<{ sequence: number; options: AppOptions }> {
    const row = await this.#row(appId);
    return { sequence: Number(row.sequence), options: appOptionsSchema.parse(row.options) };
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

  async #those(appIds: readonly AppId[]): Promise<Map<string, AppId>> {
    const { rows } = await this.database.query<{ app_id: AppId }>('SELECT app_id FROM apps WHERE app_id = ANY($1)', [appIds]);
    return new Map(rows.map(({ app_id }) => [app_id, app_id]));
  }

  async #row(appId: AppId): Promise<AppRow> {
    const { rows } = await this.database.query<AppRow>('SELECT * FROM apps WHERE app_id = $1', [appId]);
    if (!rows[0]) throw new ProblemError('unknown_app', `No app is called ${appId}`);
    return rows[0];
  }
}
