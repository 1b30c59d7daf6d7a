import { type AppId, type AuditList, type AuditQuery, appIdSchema, auditQuerySchema, type Subject } from '@communication-center/contracts';
import { From, PathParam, Postgres, QueryString, readCursor, writeCursor } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';
import { z } from 'zod';
import { requireAdminOf } from '../apps/apps.controller.js';
import { auditOf } from './audit.js';

/** The last entry of a page. */
const placeSchema = z.tuple([z.uuid()]);

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
    const question = { list: 'audit', appId };
    const [before = null] = readCursor(question, placeSchema, cursor) ?? [];
    const entries = await auditOf(this.database, appId, before, limit);
    const last = entries.length === limit ? entries.at(-1) : undefined;
    return { entries, nextCursor: last ? writeCursor(question, [last.entryId]) : null };
  }
}
