import {
  type AppId,
  appIdSchema,
  type SessionId,
  type Subject,
  sessionIdSchema,
  type UserAlias,
  type UserSessions,
  userAliasSchema,
} from '@communication-center/contracts';
import { type Ended, internal } from '@communication-center/contracts/internal';
import {
  appOfKey,
  From,
  Identity,
  PathParam,
  Postgres,
  ProblemError,
  Replicas,
  ServiceClient,
  Settings,
} from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Inject } from '@nestjs/common';
import { z } from 'zod';
import { requireAdminOf } from '../apps/apps.controller.js';
import { noteOf } from '../audit/audit.js';
import { noteEnd } from '../ends/ends.js';
import type { DirectorySettings } from '../settings.js';

const UserAliasParam = () => PathParam('userAlias', userAliasSchema);

/** The live sockets of users: told, and ended. What let them in is good still: a device may come back with it. */
@Controller()
export class UserSessionsController {
  readonly #presence: ServiceClient;

  constructor(
    private readonly database: Postgres,
    identity: Identity,
    @Inject(Settings) settings: DirectorySettings,
  ) {
    this.#presence = new ServiceClient(identity, 'presence', new Replicas(settings.PRESENCE_URL));
  }

  @Get('v1/users/:userAlias/sessions')
  async list(@From() subject: Subject, @UserAliasParam() userAlias: UserAlias): Promise<UserSessions> {
    const appId = appOfUserOrKey(subject, userAlias);
    return this.#presence.ask(internal.sessionsOf, { params: { appId, userAlias } });
  }

  @Delete('v1/users/:userAlias/sessions/:sessionId')
  @HttpCode(204)
  async end(
    @From() subject: Subject,
    @UserAliasParam() userAlias: UserAlias,
    @PathParam('sessionId', sessionIdSchema) sessionId: SessionId,
  ): Promise<void> {
    const appId = appOfUserOrKey(subject, userAlias);
    const { sessions } = await this.#presence.ask(internal.sessionsOf, { params: { appId, userAlias } });
    if (!sessions.some((session) => session.sessionId === sessionId)) throw new ProblemError('not_found', 'No such session');
    await this.#end(subject, { what: 'session', appId, sessionId }, sessionId);
  }

  @Delete('v1/users/:userAlias/sessions')
  @HttpCode(204)
  async endAll(@From() subject: Subject, @UserAliasParam() userAlias: UserAlias): Promise<void> {
    await this.#end(subject, { what: 'sessions_of_user', appId: appOfUserOrKey(subject, userAlias), userAlias }, userAlias);
  }

  /** Whatever signed in by tokens of one secret signs in anew, as with tokens of another that took its place. */
  @Delete('v1/apps/:appId/secrets/:kid/sessions')
  @HttpCode(204)
  async endAllOfSecret(
    @From() subject: Subject,
    @PathParam('appId', appIdSchema) appId: AppId,
    @PathParam('kid', z.uuid()) kid: string,
  ): Promise<void> {
    requireAdminOf(subject, appId);
    await this.#end(subject, { what: 'sessions_of_secret', appId, kid }, kid);
  }

  async #end(subject: Subject, ended: Ended, target: string): Promise<void> {
    await this.database.transaction(async (tx) => {
      await noteOf(subject, ended.appId, 'sessions.ended', target)(tx);
      await noteEnd(tx, ended);
    });
  }
}

/** @throws ProblemError unless a key with the scope `users` asks, or the user itself. */
function appOfUserOrKey(subject: Subject, userAlias: UserAlias): AppId {
  if (subject.kind !== 'user') return appOfKey(subject, 'users');
  if (subject.userAlias !== userAlias) throw new ProblemError('forbidden', 'A user sees and ends its own sessions alone');
  return subject.appId;
}
