import type { ServerResponse } from 'node:http';
import { type AppId, type AuditList, type AuditQuery, appIdSchema, auditQuerySchema, type Subject } from '@communication-center/contracts';
import { From, PathParam, Postgres, ProblemError, QueryString, readCursor, writeCursor } from '@communication-center/service';
import { Controller, Get, Headers, Res } from '@nestjs/common';
import { z } from 'zod';
import { requireAdminOf } from '../apps/apps.controller.js';
import { auditOf } from './audit.js';
import { AuditStreams } from './audit-streams.js';

/** The last entry of a page. */
const placeSchema = z.tuple([z.uuid()]);

@Controller('v1/apps/:appId/audit')
export class AuditController {
  constructor(
    private readonly database: Postgres,
    private readonly streams: AuditStreams,
  ) {}

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

  /** What is put on record from now on, or after the entry that Last-Event-ID names, for as long as the reader stays. */
  @Get('stream')
  stream(
    @From() subject: Subject,
    @PathParam('appId', appIdSchema) appId: AppId,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: { hijack(): void; raw: ServerResponse },
  ): void {
    requireAdminOf(subject, appId);
    const after = lastEventId === undefined ? undefined : z.uuidv7().safeParse(lastEventId).data?.toLowerCase();
    if (lastEventId !== undefined && after === undefined) {
      const message = 'send the id of the last event you got, or leave it out';
      throw new ProblemError('invalid_request', `lastEventId: ${message}`, { fields: [{ field: 'lastEventId', message }] });
    }
    this.streams.requireRoom(appId);
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    // There may be nothing to tell for long.
    reply.raw.flushHeaders();
    this.streams.serve(appId, after, reply.raw);
  }
}
