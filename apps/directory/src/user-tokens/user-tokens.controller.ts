import { type AppId, type Subject, type UserTokenView, userTokenBodySchema } from '@communication-center/contracts';
import { appOfKey, From, JsonBody, ProblemError } from '@communication-center/service';
import { Controller, Post } from '@nestjs/common';
import type { z } from 'zod';
import { AppStore } from '../apps/app-store.js';
import { UserStore } from '../users/user-store.js';
import { UserTokens } from './user-tokens.js';

type UserTokenBody = z.infer<typeof userTokenBodySchema>;

@Controller('v1/user-tokens')
export class UserTokensController {
  constructor(
    private readonly apps: AppStore,
    private readonly users: UserStore,
    private readonly tokens: UserTokens,
  ) {}

  /** Mints a token for a user: with an API key, or without one in an app that trusts a bare alias. */
  @Post()
  async mint(@From() subject: Subject, @JsonBody(userTokenBodySchema) body: UserTokenBody): Promise<UserTokenView> {
    const appId = subject.kind === 'nobody' ? await this.#trustingApp(body) : appOfKey(subject, 'users');
    await this.users.ensure(appId, body.userAlias);
    return this.tokens.mint(appId, body.userAlias, body.expiresInSeconds);
  }

  async #trustingApp({ appId }: UserTokenBody): Promise<AppId> {
    if (!appId) throw new ProblemError('unauthenticated', 'Send an API key as Authorization: Bearer …');
    const app = await this.apps.get(appId);
    if (app.trustsBareAlias) return appId;
    throw new ProblemError('unauthenticated', `App ${appId} does not trust a bare alias: sign in with a user token`);
  }
}
