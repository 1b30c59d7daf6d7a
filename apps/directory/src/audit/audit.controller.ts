import { type AppId, type AuditList, type AuditQuery, appIdSchema, auditQuerySchema, type Subject } from '@communication-center/contracts';
import { From, PathParam, Postgres, QueryString } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';
import { requireAdminOf } from '../apps/apps.controller.js';
import { auditOf } from './audit.js';

@Controller('v1/apps/:appId/audit')
export class AuditController {
  constructor(private readonly database: Postgres) {}

  /** Who did what to the app: its options, keys, secrets, accounts and users. Newest first. */
  @Get()
  async list(
    @From() subject: Subject,
    @PathParam('appId', appIdSchema) appId: AppId,
    @QueryString(auditQuerySchema) { limit, cursor }: AuditQuery,
  ): Promise<AuditList> {
    requireAdminOf(subject, appId);
    const entries = await auditOf(this.database, appId, cursor ?? null, limit);
    return { entries, nextCursor: entries.length === limit ? (entries.at(-1)?.entryId ?? null) : null };
  }
}
