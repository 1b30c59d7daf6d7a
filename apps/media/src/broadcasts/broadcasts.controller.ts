import { randomUUID } from 'node:crypto';
import { type AppId, type BroadcastId, broadcastIdSchema, type CallId, callIdSchema, type Subject } from '@communication-center/contracts';
import {
  type BroadcastList,
  type BroadcastListQuery,
  type BroadcastPushBody,
  type BroadcastView,
  broadcastListQuerySchema,
  broadcastPushBodySchema,
} from '@communication-center/contracts/broadcasts';
import {
  ActsOnRecord,
  AddressGuard,
  appOfKey,
  From,
  NeededBody,
  PathParam,
  Postgres,
  ProblemError,
  QueryString,
  readCursor,
  SealedBox,
  Settings,
  writeCursor,
} from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Inject, Put } from '@nestjs/common';
import { z } from 'zod';
import type { MediaSettings } from '../settings.js';
import { saidOf } from './broadcast-events.js';
import { type BroadcastRow, broadcastOf, broadcastsOfApp, broadcastsOfCall, leavePush, savePush } from './broadcast-rows.js';
import { isActive } from './domain/next-act.js';
import { StreamLinks } from './stream-links.js';

const placeSchema = z.tuple([z.iso.datetime(), broadcastIdSchema]);
const BroadcastIdParam = () => PathParam('broadcastId', broadcastIdSchema);
const noSuch = () => new ProblemError('not_found', 'No such broadcast');

/** What servers read of broadcasts, and where those are pushed to; starting and stopping them is the calls service's. */
@Controller()
export class BroadcastsController {
  readonly #lists;
  readonly #guard: AddressGuard;
  readonly #box: SealedBox;

  constructor(
    private readonly database: Postgres,
    private readonly links: StreamLinks,
    private readonly acts: ActsOnRecord,
    @Inject(Settings) private readonly settings: MediaSettings,
  ) {
    this.#lists = database.of('lists');
    this.#guard = new AddressGuard(settings);
    this.#box = new SealedBox(settings.SECRETS_KEY);
  }

  @Get('v1/broadcasts')
  async list(
    @From() subject: Subject,
    @QueryString(broadcastListQuerySchema) { limit, cursor }: BroadcastListQuery,
  ): Promise<BroadcastList> {
    const appId = appOfKey(subject, 'calls');
    const question = { list: 'broadcasts', appId };
    const [startedAt, broadcastId] = readCursor(question, placeSchema, cursor) ?? [];
    const after = startedAt !== undefined && broadcastId !== undefined ? { startedAt, broadcastId } : undefined;
    const rows = await broadcastsOfApp(this.#lists, appId, { limit, after });
    const last = rows.length === limit ? rows.at(-1) : undefined;
    const nextCursor = last ? writeCursor(question, [last.started_at.toISOString(), last.broadcast_id]) : null;
    return { broadcasts: rows.map((row) => this.#view(row)), nextCursor };
  }

  @Get('v1/calls/:callId/broadcasts')
  async ofCall(@From() subject: Subject, @PathParam('callId', callIdSchema) callId: CallId): Promise<{ broadcasts: BroadcastView[] }> {
    const rows = await broadcastsOfCall(this.#lists, appOfKey(subject, 'calls'), callId);
    // Whether there is such a call is not told apart: media does not know calls.
    if (rows.length === 0) throw new ProblemError('not_found', 'Nothing was broadcast of such a call');
    return { broadcasts: rows.map((row) => this.#view(row)) };
  }

  @Get('v1/broadcasts/:broadcastId')
  async one(@From() subject: Subject, @BroadcastIdParam() broadcastId: BroadcastId): Promise<BroadcastView> {
    return this.#view(await this.#required(appOfKey(subject, 'calls'), broadcastId));
  }

  /** Pushes the broadcast to a server elsewhere, in place of another one; what failed is tried again so. */
  @Put('v1/broadcasts/:broadcastId/push')
  async push(
    @From() subject: Subject,
    @BroadcastIdParam() broadcastId: BroadcastId,
    @NeededBody(broadcastPushBodySchema) { url, streamKey }: BroadcastPushBody,
  ): Promise<BroadcastView> {
    const appId = appOfKey(subject, 'calls');
    const server = this.#judged(url);
    await this.#required(appId, broadcastId);
    await this.acts.note(subject, { appId, act: 'broadcast_push.saved', target: broadcastId });
    const sealed = this.#box.seal(`broadcasts/${appId}`, JSON.stringify({ url, streamKey }));
    const row = await savePush(this.database, { broadcastId, appId, pushId: randomUUID(), server, sealed });
    if (!row) throw new ProblemError('conflict', 'The broadcast is over: start another');
    return this.#view(row);
  }

  @Delete('v1/broadcasts/:broadcastId/push')
  @HttpCode(204)
  async leave(@From() subject: Subject, @BroadcastIdParam() broadcastId: BroadcastId): Promise<void> {
    const appId = appOfKey(subject, 'calls');
    await this.#required(appId, broadcastId);
    await this.acts.note(subject, { appId, act: 'broadcast_push.deleted', target: broadcastId });
    await leavePush(this.database, appId, broadcastId);
  }

  /** @returns a server without what is secret. @throws ProblemError `invalid_request` for one that nobody may be pushed to. */
  #judged(url: string): string {
    const fault = (message: string) => new ProblemError('invalid_request', `url: ${message}`, { fields: [{ field: 'url', message }] });
    if (!URL.canParse(url)) throw fault('send a URL');
    const { protocol, hostname, port } = new URL(url);
    const { PROFILE, BROADCAST_PUSH_PORTS } = this.settings;
    const number = Number(port || (protocol === 'rtmps:' ? 443 : 1935));
    if (PROFILE !== 'development' && !BROADCAST_PUSH_PORTS.includes(number)) throw fault(`use port ${BROADCAST_PUSH_PORTS.join(' or ')}`);
    // Which hosts may be is one question, whatever is spoken there.
    this.#guard.requireUrl('url', `https://${hostname}/`);
    return `${protocol}//${hostname}${port ? `:${port}` : ''}`;
  }

  async #required(appId: AppId, broadcastId: BroadcastId): Promise<BroadcastRow> {
    const row = await broadcastOf(this.database, broadcastId, appId);
    if (!row) throw noSuch();
    return row;
  }

  #view(row: BroadcastRow): BroadcastView {
    const { viewers, latency_ms: latencyMs, state } = row;
    return { ...saidOf(row), viewers, latencyMs: isActive(state) ? latencyMs : null, ...this.links.of(row.broadcast_id) };
  }
}
