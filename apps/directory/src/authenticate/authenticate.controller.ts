import { createHash, timingSafeEqual } from 'node:crypto';
import type { Subject } from '@communication-center/contracts';
import { type Inquiry, internal } from '@communication-center/contracts/internal';
import { InquiryOf, ProblemError, Serves, Settings } from '@communication-center/service';
import { Controller, Inject } from '@nestjs/common';
import { ApiKeyStore, keyPrefix } from '../api-keys/api-key-store.js';
import { AppStore } from '../apps/app-store.js';
import type { DirectorySettings } from '../settings.js';
import { UserTokens } from '../user-tokens/user-tokens.js';
import { UserStore } from '../users/user-store.js';

type SubjectWithOrigins = Subject & { allowedOrigins?: string[] | undefined };

/** Tells the gateway whose credential a request or socket carries. */
@Controller()
export class AuthenticateController {
  constructor(
    private readonly apps: AppStore,
    private readonly users: UserStore,
    private readonly keys: ApiKeyStore,
    private readonly tokens: UserTokens,
    @Inject(Settings) private readonly settings: DirectorySettings,
  ) {}

  @Serves(internal.authenticate)
  async whose(@InquiryOf(internal.authenticate) { body }: Inquiry<typeof internal.authenticate>): Promise<SubjectWithOrigins> {
    const { credential, appId, withOrigins } = body;
    if (appId) await this.apps.get(appId);
    const whose = await this.#whose(credential);
    if (appId && (!('appId' in whose) || whose.appId !== appId)) throw new ProblemError('forbidden', `token: it is not of app ${appId}`);
    if (whose.kind === 'user') await this.users.ensure(whose.appId, whose.userAlias);
    if (!withOrigins || !('appId' in whose)) return whose;
    const { options } = await this.apps.options(whose.appId);
    return { ...whose, allowedOrigins: options.allowedOrigins };
  }

  async #whose(credential: string): Promise<Subject> {
    if (isSame(credential, this.settings.OPERATOR_KEY)) return { kind: 'operator' };
    if (!credential.startsWith(keyPrefix)) return { kind: 'user', ...(await this.tokens.verify(credential)) };
    const key = await this.keys.find(credential);
    if (!key) throw new ProblemError('unauthenticated', 'This API key is unknown or revoked');
    return { kind: 'key', ...key };
  }
}

function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
