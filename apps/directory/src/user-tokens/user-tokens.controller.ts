import { type AppId, type Subject, type UserTokenView, userTokenBodySchema } from '@communication-center/contracts';
import { actorOf, appOfKey, From, JsonBody, OpenToNobody, ProblemError, Settings } from '@communication-center/service';
import { Controller, Inject, Post } from '@nestjs/common';
import type { z } from 'zod';
import { AppStore, requireOpen } from '../apps/app-store.js';
import { FrequentActs } from '../audit/frequent-acts.js';
import type { DirectorySettings } from '../settings.js';
import { UserStore } from '../users/user-store.js';
import { UserTokens } from './user-tokens.js';

type UserTokenBody = z.infer<typeof userTokenBodySchema>;

@Controller('v1/user-tokens')
export class UserTokensController {
  constructor(
    private readonly apps: AppStore,
    private readonly users: UserStore,
    private readonly tokens: UserTokens,
    private readonly acts: FrequentActs,
    @Inject(Settings) private readonly settings: Pick<DirectorySettings, 'ALLOW_BARE_ALIAS' | 'MAX_TOKEN_SECONDS'>,
  ) {}

  /** Mints a token for a user: with an API key, or without one in an app that trusts a bare alias. */
  @Post()
  @OpenToNobody()
  async mint(@From() subject: Subject, @JsonBody(userTokenBodySchema) body: UserTokenBody): Promise<UserTokenView> {
    const appId = subject.kind === 'nobody' ? await this.#trustingApp(body) : appOfKey(subject, 'tokens');
    const most = this.settings.MAX_TOKEN_SECONDS;
    if (body.expiresInSeconds > most) {
      const message = `a token lasts ${most} seconds at most here`;
      throw new ProblemError('invalid_request', `expiresInSeconds: ${message}`, { fields: [{ field: 'expiresInSeconds', message }] });
    }
    const tokensEnded = await this.users.ensure(appId, body.userAlias);
    const minted = await this.tokens.mint(appId, body.userAlias, body.expiresInSeconds, tokensEnded);
    this.acts.note(appId, actorOf(subject), 'user_token.minted', body.userAlias);
    return minted;
  }

  async #trustingApp({ appId }: UserTokenBody): Promise<AppId> {
    if (!appId) throw new ProblemError('unauthenticated', 'Send an API key as Authorization: Bearer …');
    const app = await this.apps.get(appId);
    requireOpen(appId, app.state);
    if (app.trustsBareAlias && this.settings.ALLOW_BARE_ALIAS) return appId;
    throw new ProblemError('unauthenticated', `App ${appId} does not trust a bare alias: sign in with a user token`);
  }
}
