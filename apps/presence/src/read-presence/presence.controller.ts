import { type AppId, appIdSchema, type Presence, type Subject, type UserAlias, userAliasSchema } from '@communication-center/contracts';
import { appOf, From, PathParam, requireService } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';
import { PresenceStore } from './presence-store.js';

@Controller()
export class PresenceController {
  constructor(private readonly store: PresenceStore) {}

  /** Offline, online or busy; with whom, in which call, on which device. For users and keys of the app. */
  @Get('v1/presence/:userAlias')
  async get(@From() subject: Subject, @PathParam('userAlias', userAliasSchema) userAlias: UserAlias): Promise<Presence> {
    return this.store.get(appOf(subject, 'presence'), userAlias);
  }

  /** The same, for services of the Center. */
  @Get('internal/apps/:appId/presence/:userAlias')
  async forService(
    @From() subject: Subject,
    @PathParam('appId', appIdSchema) appId: AppId,
    @PathParam('userAlias', userAliasSchema) userAlias: UserAlias,
  ): Promise<Presence> {
    requireService(subject);
    return this.store.get(appId, userAlias);
  }
}
