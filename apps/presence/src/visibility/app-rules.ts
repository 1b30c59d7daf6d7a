import { type AppId, type DirectoryEvent, type PresenceVisibility, presenceVisibilitySchema } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import type { Sql } from '@communication-center/event-log';
import { Identity, KeptFresh, Postgres, Replicas, ServiceClient, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { PresenceSettings } from '../settings.js';

/** By which rule users of an app see each other, as of that version of the app. */
export interface AppRule {
  rule: PresenceVisibility;
  sequence: number;
}

/** A change of an app's rule is seen everywhere within a second. */
const freshness = { goodForMs: 1000, renewAfterMs: 500 };
/** Apps whose rules are remembered at most. */
const mostApps = 10_000;

/** Folds the rules of apps, of each by the newest event. */
export async function foldApps(tx: Sql, events: readonly DirectoryEvent[]): Promise<void> {
  for (const event of events) {
    if (event.type === 'app.saved')
      await saveRule(tx, event.appid, { rule: event.data.options.presenceVisibility, sequence: event.sequence });
  }
}

async function saveRule(sql: Sql, appId: AppId, { rule, sequence }: AppRule): Promise<void> {
  await sql.query(
    `INSERT INTO app_rules (app_id, sequence, rule) VALUES ($1, $2, $3)
     ON CONFLICT (app_id) DO UPDATE SET sequence = excluded.sequence, rule = excluded.rule WHERE app_rules.sequence < excluded.sequence`,
    [appId, sequence, rule],
  );
}

/** Tells by which rules users see each other. The directory is asked only for what is too new to have arrived, or older than these. */
@Injectable()
export class AppRules {
  readonly #directory: Pick<ServiceClient, 'ask'>;
  readonly #rules = new Map<AppId, KeptFresh<AppRule>>();

  constructor(
    private readonly database: Postgres,
    identity: Identity,
    @Inject(Settings) settings: Pick<PresenceSettings, 'DIRECTORY_URL'>,
  ) {
    this.#directory = new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL));
  }

  /** @returns the rule of an app, a second old at most. */
  async of(appId: AppId): Promise<AppRule> {
    const kept = this.#rules.get(appId);
    if (kept) return kept.get();
    const read = new KeptFresh(() => this.#read(appId), freshness);
    this.#rules.set(appId, read);
    const [oldest] = this.#rules.keys();
    if (this.#rules.size > mostApps && oldest) this.#rules.delete(oldest);
    return read.get();
  }

  async #read(appId: AppId): Promise<AppRule> {
    const { rows } = await this.database.query<{ rule: string; sequence: string }>(
      'SELECT rule, sequence FROM app_rules WHERE app_id = $1',
      [appId],
    );
    if (rows[0]) return { rule: presenceVisibilitySchema.parse(rows[0].rule), sequence: Number(rows[0].sequence) };
    const asking = { params: { appId } };
    const { sequence, options } = await this.#directory.ask(internal.appOptions, asking, { timeoutMs: 3000, retryForMs: 1000 });
    const rule = { rule: options.presenceVisibility, sequence };
    await saveRule(this.database, appId, rule);
    return rule;
  }
}
