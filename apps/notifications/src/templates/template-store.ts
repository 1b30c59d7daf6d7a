import type { AppId, TemplateBody, TemplateView } from '@communication-center/contracts';
import { Postgres, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { defaultTemplates } from '../domain/default-rules.js';
import { TemplateEngine, TemplateFault } from './engine.js';

interface TemplateRow {
  template_id: string;
  template: TemplateBody;
}

const mostOfOneApp = 200;

/** What people of an app are told, in their languages. */
@Injectable()
export class TemplateStore {
  readonly engine = new TemplateEngine();

  constructor(private readonly database: Postgres) {}

  /** @throws ProblemError `invalid_request` that names the part which cannot be filled in, and what would put it right. */
  async save(appId: AppId, templateId: string, template: TemplateBody): Promise<TemplateView> {
    await refusing(() => this.engine.check(template));
    const { rowCount } = await this.database.query(
      `INSERT INTO notification_templates (app_id, template_id, template)
       SELECT $1, $2, $3 WHERE (SELECT count(*) FROM notification_templates WHERE app_id = $1 AND template_id <> $2) < ${mostOfOneApp}
       ON CONFLICT (app_id, template_id) DO UPDATE SET template = excluded.template, saved_at = clock_timestamp()`,
      [appId, templateId, JSON.stringify(template)],
    );
    const message = `an app has ${mostOfOneApp} templates at most: delete one first`;
    if (rowCount !== 1) throw new ProblemError('invalid_request', message, { fields: [{ field: '(body)', message }] });
    return { templateId, isDefault: false, ...template };
  }

  /** Takes away what the app has saved: one by default is then as it was. @throws ProblemError `not_found`. */
  async delete(appId: AppId, templateId: string): Promise<void> {
    const { rowCount } = await this.database.query('DELETE FROM notification_templates WHERE app_id = $1 AND template_id = $2', [
      appId,
      templateId,
    ]);
    if (rowCount !== 1) throw new ProblemError('not_found', 'No such template');
  }

  async list(appId: AppId): Promise<TemplateView[]> {
    const { rows } = await this.database.query<TemplateRow>(
      'SELECT template_id, template FROM notification_templates WHERE app_id = $1 ORDER BY template_id',
      [appId],
    );
    const own = rows.map(({ template_id, template }) => ({ templateId: template_id, isDefault: false, ...template }));
    const byDefault = Object.entries(defaultTemplates).map(([templateId, template]) => ({ templateId, isDefault: true, ...template }));
    return [...own, ...byDefault.filter(({ templateId }) => own.every((one) => one.templateId !== templateId))];
  }

  /** @returns undefined for one that the app does not have. */
  async read(appId: AppId, templateId: string): Promise<TemplateBody | undefined> {
    const { rows } = await this.database.query<TemplateRow>(
      'SELECT template_id, template FROM notification_templates WHERE app_id = $1 AND template_id = $2',
      [appId, templateId],
    );
    return rows[0]?.template ?? defaultTemplates[templateId];
  }
}

/** @throws ProblemError `invalid_request` where a template is at fault. */
export async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error;
    const { field, message } = error;
    throw new ProblemError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
  }
}
