import type { ServerResponse } from 'node:http';
import {
  type Presence,
  type PresenceList,
  type PresenceListQuery,
  type PresenceStreamQuery,
  presenceListQuerySchema,
  presenceStreamQuerySchema,
  type Subject,
  type UserAlias,
  userAliasSchema,
} from '@communication-center/contracts';
import { type Inquiry, internal } from '@communication-center/contracts/internal';
import { appOf, From, InquiryOf, PathParam, ProblemError, QueryString, Serves } from '@communication-center/service';
import { Controller, Get, Headers, Res } from '@nestjs/common';
import { readPlace } from '../domain/stream-place.js';
import { PresenceStreams } from '../stream-presence/presence-streams.js';
import { type AppRule, AppRules } from '../visibility/app-rules.js';
import { type Sight, Sights } from '../visibility/sights.js';
import { PresenceStore } from './presence-store.js';

@Controller()
export class PresenceController {
  constructor(
    private readonly store: PresenceStore,
    private readonly streams: PresenceStreams,
    private readonly sights: Sights,
    private readonly rules: AppRules,
  ) {}

  /** Where several people are, or everybody of the app. */
  @Get('v1/presence')
  async list(@From() subject: Subject, @QueryString(presenceListQuerySchema) query: PresenceListQuery): Promise<PresenceList> {
    return this.store.list(appOf(subject, 'presence'), query, await this.#sightOf(subject));
  }

  /** The same, as server-sent events, for as long as the reader stays. */
  @Get('v1/presence/stream')
  stream(
    @From() subject: Subject,
    @QueryString(presenceStreamQuerySchema) query: PresenceStreamQuery,
    @Headers('last-event-id') header: string | undefined,
    @Res() reply: { hijack(): void; raw: ServerResponse },
  ): void {
    const appId = appOf(subject, 'presence');
    const given = header ?? query.lastEventId;
    const from = given === undefined ? undefined : readPlace(given);
    if (given !== undefined && from === undefined) {
      const message = 'send the id of the last event you got, or leave it out';
      throw new ProblemError('invalid_request', `lastEventId: ${message}`, { fields: [{ field: 'lastEventId', message }] });
    }
    this.streams.requireRoom(appId);
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    const viewer = subject.kind === 'user' ? subject.userAlias : undefined;
    this.streams.serve({ appId, only: query.userAlias, from: from === 'outdated' ? undefined : from, viewer }, reply.raw);
  }

  /** Offline, online, away or busy; with whom, in which call, on which device. For users and keys of the app. */
  @Get('v1/presence/:userAlias')
  async get(@From() subject: Subject, @PathParam('userAlias', userAliasSchema) userAlias: UserAlias): Promise<Presence> {
    return this.store.get(appOf(subject, 'presence'), userAlias, await this.#sightOf(subject));
  }

  @Serves(internal.sessionsOf)
  async sessionsForService(@InquiryOf(internal.sessionsOf) { params }: Inquiry<typeof internal.sessionsOf>) {
    return { sessions: await this.store.sessions(params.appId, params.userAlias) };
  }

  @Serves(internal.presenceOfSome)
  async someForService(
    @InquiryOf(internal.presenceOfSome) { params, body }: Inquiry<typeof internal.presenceOfSome>,
  ): Promise<{ presences: Presence[]; visibility: AppRule }> {
    const [presences, visibility] = await Promise.all([this.store.some(params.appId, body.userAliases), this.rules.of(params.appId)]);
    return { presences, visibility };
  }

  /** A key sees everybody. */
  async #sightOf(subject: Subject): Promise<Sight | undefined> {
    return subject.kind === 'user' ? this.sights.of(subject.appId, subject.userAlias) : undefined;
  }
}
