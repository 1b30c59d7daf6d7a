import { type AppId, appIdSchema, type SipAlgorithm, sipUsernameSchema } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { Identity, ProblemError, Replicas, ServiceClient, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { type Peer, type SipRequest, uriIn } from '../messages/sip-message.js';
import type { SipSettings } from '../settings.js';
import { AccountAlgorithms } from './account-algorithms.js';
import { challenges, type DigestAnswer, isRight, isSameTarget, Nonces, parseAnswer } from './digest.js';
import { NonceCounts } from './nonce-counts.js';

type Verdict = { appId: AppId; username: string } | { status: number; headers: [name: string, value: string][] };

/** Lets in phones that know the password of one of their app's accounts. The app is the host of the request's URI. */
@Injectable()
export class DigestAuthenticator {
  readonly #directory: ServiceClient;
  readonly #nonces: Nonces;
  readonly #algorithms = new AccountAlgorithms(async (appId, username) => (await this.#accountOf(appId as AppId, username, 0))?.algorithms);

  constructor(
    identity: Identity,
    private readonly counts: NonceCounts,
    @Inject(Settings) settings: SipSettings,
  ) {
    this.#directory = new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL));
    this.#nonces = new Nonces(settings.NONCE_KEY, settings.NONCE_SECONDS);
  }

  /** @returns the app and the account, or how to refuse the request. @throws ProblemError when the directory does not answer. */
  async check(request: SipRequest, peer: Peer): Promise<Verdict> {
    // A phone system that needs a domain with dots in it says app.its-domain.
    const app = appIdSchema.safeParse(request.host.split('.')[0]);
    if (!app.success) return { status: 404, headers: [] };
    const appId = app.data;
    const answer = request
      .headers('authorization')
      .map(parseAnswer)
      .find((one) => one?.realm === appId);
    if (!answer) return this.#challenge(appId, userIn(request), false);
    const { username } = answer;
    const nonce = this.#nonces.check(answer.nonce, appId, Date.now());
    if (nonce !== 'good') return this.#challenge(appId, username, nonce === 'stale');
    const account = await this.#accountOf(appId, username, 1500);
    if (!account?.algorithms.includes(answer.algorithm) || !isRight(answer, account, request.method))
      return this.#challenge(appId, username, false);
    // From here on it is somebody who knows the password.
    if (!isSameTarget(answer.uri, request.uri))
      return { status: 400, headers: [['Warning', `399 ${appId} "the uri of the digest is not that of the request"`]] };
    const isNew = await this.counts.take({ nonce: answer.nonce, count: answer.count, name: nameOf(request, answer, peer) });
    return isNew ? { appId, username } : this.#challenge(appId, username, true);
  }

  async #challenge(realm: AppId, username: string, stale: boolean): Promise<Verdict> {
    const algorithms = await this.#algorithms.of(realm, username);
    return { status: 401, headers: challenges({ realm, nonce: this.#nonces.make(realm, Date.now()), stale, algorithms }) };
  }

  /** @param retryForMs who has shown a nonce of ours is worth more patience. */
  async #accountOf(appId: AppId, username: string, retryForMs: number) {
    if (!sipUsernameSchema.safeParse(username).success) return undefined;
    try {
      const account = await this.#directory.ask(internal.sipSecrets, { params: { appId, username } }, { retryForMs });
      return { ...account, algorithms: account.algorithms ?? ofOlderDirectories };
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'not_found') return undefined;
      throw error;
    }
  }
}

/** A directory of the release before does not tell: its accounts' phones are used to this. */
const ofOlderDirectories: readonly SipAlgorithm[] = ['MD5', 'SHA-256'];

/** Who a phone says to be before it signs in: most say the name of their account. */
function userIn(request: SipRequest): string {
  return /^sips?:([^@;]+)@/i.exec(uriIn(request.header('from')) ?? '')?.[1] ?? '';
}

function nameOf({ method, callId, cseq, branch }: SipRequest, { response, cnonce }: DigestAnswer, { transport, host, port }: Peer): string {
  return JSON.stringify([method, callId, cseq, branch, response, cnonce, transport, host, port]);
}
