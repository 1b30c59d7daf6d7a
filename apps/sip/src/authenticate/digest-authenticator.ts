import { type AppId, appIdSchema, sipUsernameSchema } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { Identity, ProblemError, Replicas, ServiceClient, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { SipRequest } from '../messages/sip-message.js';
import type { SipSettings } from '../settings.js';
import { challenges, type DigestSecrets, isRight, Nonces, parseAnswer } from './digest.js';

type Verdict = { appId: AppId; username: string } | { status: number; headers: [name: string, value: string][] };

/** Lets in phones that know the password of one of their app's accounts. The app is the host of the request's URI. */
@Injectable()
export class DigestAuthenticator {
  readonly #directory: ServiceClient;
  readonly #nonces: Nonces;

  constructor(identity: Identity, @Inject(Settings) settings: SipSettings) {
    this.#directory = new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL));
    this.#nonces = new Nonces(Buffer.from(settings.NONCE_KEY, 'base64'), settings.NONCE_SECONDS);
  }

  /** @returns the app and the account, or how to refuse the request. @throws ProblemError when the directory does not answer. */
  async check(request: SipRequest): Promise<Verdict> {
    // A phone system that needs a domain with dots in it says app.its-domain.
    const app = appIdSchema.safeParse(request.host.split('.')[0]);
    if (!app.success) return { status: 404, headers: [] };
    const appId = app.data;
    const answer = request
      .headers('authorization')
      .map(parseAnswer)
      .find((one) => one?.realm === appId);
    if (!answer) return this.#challenge(appId, false);
    const nonce = this.#nonces.check(answer.nonce, appId, Date.now());
    if (nonce !== 'good') return this.#challenge(appId, nonce === 'stale');
    const secrets = await this.#secretsOf(appId, answer.username);
    return secrets && isRight(answer, secrets, request.method) ? { appId, username: answer.username } : this.#challenge(appId, false);
  }

  #challenge(appId: AppId, stale: boolean): Verdict {
    return { status: 401, headers: challenges(appId, this.#nonces.make(appId, Date.now()), stale) };
  }

  async #secretsOf(appId: AppId, username: string): Promise<DigestSecrets | undefined> {
    if (!sipUsernameSchema.safeParse(username).success) return undefined;
    try {
      return await this.#directory.ask(internal.sipSecrets, { params: { appId, username } }, { retryForMs: 1500 });
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'not_found') return undefined;
      throw error;
    }
  }
}
