import type { ServerResponse } from 'node:http';
import { type AppId, type AuditList, type AuditQuery, appIdSchema, auditQuerySchema, type Subject } from '@communication-center/contracts';
import {
  From,
  PathParam,
  Postgres,
  ProblemError,
  QueryString,
  readCursor,
  requireOperator,
  writeCursor,
} from '@communication-center/service';
import { Controller, Get, Headers, Res } from '@nestjs/common';
import { z } from 'zod';
import { requireAdminOf } from '../apps/apps.controller.js';
import { auditOf, theCenter } from './audit.js';
import { AuditStreams } from './audit-streams.js';

/** The last entry of a page. */
const placeSchema = z.tuple([z.uuid()]);

type Reply = { hijack(): void; raw: ServerResponse };

@Controller()
export class AuditController {
  constructor(
    private readonly database: Postgres,
    private readonly streams: AuditStreams,
  ) {}

  /** Who did what to the app: its options, keys, secrets, accounts and users. Newest first. */
  @Get('v1/apps/:appId/audit')
  async list(
    @From() subject: Subject,
    @PathParam('appId', appIdSchema) appId: AppId,
    @QueryString(auditQuerySchema) query: AuditQuery,
  ): Promise<AuditList> {
    requireAdminOf(subject, appId);
    return this.#page(appId, query);
  }

  /** What operators did that concerns no single app. Newest first. */
  @Get('v1/audit')
  async listOfCenter(@From() subject: Subject, @QueryString(auditQuerySchema) query: AuditQuery): Promise<AuditList> {
    requireOperator(subject);
    return this.#page(theCenter, query);
  }

  /** What is put on record from now on, or after the entry that Last-Event-ID names, for as long as the reader stays. */
  @Get('v1/apps/:appId/audit/stream')
  stream(
    @From() subject: Subject,
    @PathParam('appId', appIdSchema) appId: AppId,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: Reply,
  ): void {
    requireAdminOf(subject, appId);
    this.#stream(appId, lastEventId, reply);
  }

  /** The same of what operators did that concerns no single app. */
  @Get('v1/audit/stream')
  streamOfCenter(@From() subject: Subject, @Headers('last-event-id') lastEventId: string | undefined, @Res() reply: Reply): void {
    requireOperator(subject);
    this.#stream(theCenter, lastEventId, reply);
  }

  async #page(appId: AppId, { limit, cursor }: AuditQuery): Promise<AuditList> {
    const question = { list: 'audit', appId };
    const [before = null] = readCursor(question, placeSchema, cursor) ?? [];
    const entries = await auditOf(this.database, appId, before, limit);
    const last = entries.length === limit ? entries.at(-1) : undefined;
    return { entries, nextCursor: last ? writeCursor(question, [last.entryId]) : null };
  }

  #stream(appId: AppId, lastEventId: string | undefined, reply: Reply): void {
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
