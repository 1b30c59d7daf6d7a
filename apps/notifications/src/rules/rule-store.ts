import type { AppId, RuleBody, RuleView } from '@communication-center/contracts';
import { Postgres, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { defaultRules, rulesOf } from '../domain/default-rules.js';
import { TemplateStore } from '../templates/template-store.js';

/** One that an app saved; null where it took away one that each app has. */
interface RuleRow {
  app_id: AppId;
  rule_id: string;
  rule: RuleBody | null;
}

const mostOfOneApp = 200;
/** So long rules of an app are kept in memory. */
const goodForMs = 1000;
const mostKept = 5000;

/** By which rules the people of an app are told. */
@Injectable()
export class RuleStore {
  readonly #kept = new Map<AppId, { at: number; rules: RuleView[] }>();

  constructor(
    private readonly database: Postgres,
    private readonly templates: TemplateStore,
  ) {}

  /** @throws ProblemError `invalid_request` for a template that the app does not have, or more rules than it may have. */
  async save(appId: AppId, ruleId: string, rule: RuleBody): Promise<RuleView> {
    const known = new Set((await this.templates.list(appId)).map(({ templateId }) => templateId));
    for (const [index, { template }] of rule.steps.entries())
      if (!known.has(template)) throw faultIn(`steps.${index}.template`, `the app has no template ${template}: save it first`);
    const { rowCount } = await this.database.query(
      `INSERT INTO notification_rules (app_id, rule_id, rule)
       SELECT $1, $2, $3 WHERE (SELECT count(*) FROM notification_rules WHERE app_id = $1 AND rule_id <> $2) < ${mostOfOneApp}
       ON CONFLICT (app_id, rule_id) DO UPDATE SET rule = excluded.rule, saved_at = clock_timestamp()`,
      [appId, ruleId, JSON.stringify(rule)],
    );
    if (rowCount !== 1) throw faultIn('(body)', `an app has ${mostOfOneApp} rules at most: delete one first`);
    return { ruleId, isDefault: false, ...rule };
  }

  /** Takes a rule away, one by default too. @throws ProblemError `not_found`. */
  async delete(appId: AppId, ruleId: string): Promise<void> {
    const isDefault = defaultRules.some((one) => one.ruleId === ruleId);
    const { rowCount } = await (isDefault
      ? this.database.query(
          `INSERT INTO notification_rules (app_id, rule_id) VALUES ($1, $2)
           ON CONFLICT (app_id, rule_id) DO UPDATE SET rule = NULL, saved_at = clock_timestamp()`,
          [appId, ruleId],
        )
      : this.database.query('DELETE FROM notification_rules WHERE app_id = $1 AND rule_id = $2', [appId, ruleId]));
    if (rowCount !== 1) throw new ProblemError('not_found', 'No such rule');
  }

  async list(appId: AppId): Promise<RuleView[]> {
    return (await this.#read([appId])).get(appId) ?? [];
  }

  /** @returns the rules of some apps, as they were at most a second ago. */
  async ofApps(appIds: readonly AppId[]): Promise<ReadonlyMap<AppId, readonly RuleView[]>> {
    const now = performance.now();
    const asked = [...new Set(appIds)];
    const old = asked.filter((appId) => now - (this.#kept.get(appId)?.at ?? Number.NEGATIVE_INFINITY) >= goodForMs);
    if (old.length > 0) {
      if (this.#kept.size > mostKept) this.#kept.clear();
      for (const [appId, rules] of await this.#read(old)) this.#kept.set(appId, { at: now, rules });
    }
    return new Map(asked.map((appId) => [appId, this.#kept.get(appId)?.rules ?? []]));
  }

  async #read(appIds: readonly AppId[]): Promise<Map<AppId, RuleView[]>> {
    const { rows } = await this.database.query<RuleRow>(
      'SELECT app_id, rule_id, rule FROM notification_rules WHERE app_id = ANY($1) ORDER BY rule_id',
      [appIds],
    );
    const byApp = Map.groupBy(rows, ({ app_id }) => app_id);
    return new Map(appIds.map((appId) => [appId, rulesOf((byApp.get(appId) ?? []).map(toOwn))]));
  }
}

const toOwn = ({ rule_id, rule }: RuleRow) => ({ ruleId: rule_id, rule: rule && { ruleId: rule_id, isDefault: false, ...rule } });

function faultIn(field: string, message: string): ProblemError {
  return new ProblemError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
}
