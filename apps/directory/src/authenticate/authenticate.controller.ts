import type { ProblemCode, Subject } from '@communication-center/contracts';
import { type Inquiry, internal } from '@communication-center/contracts/internal';
import { InquiryOf, ProblemError, Report, type ReportError, Serves, Settings, UnopenedError } from '@communication-center/service';
import { Controller, Inject } from '@nestjs/common';
import { ApiKeyStore, keyPrefix } from '../api-keys/api-key-store.js';
import { AppStore, requireOpen } from '../apps/app-store.js';
import { FrequentActs } from '../audit/frequent-acts.js';
import { isRingToken, RingTokens } from '../ring-tokens/ring-tokens.js';
import type { DirectorySettings } from '../settings.js';
import { UserTokens } from '../user-tokens/user-tokens.js';
import { UserStore } from '../users/user-store.js';

type Asked = Inquiry<typeof internal.authenticate>['body'];
type Answer = { holder: SubjectWithOrigins } | { refused: ProblemCode; detail?: string | undefined };
type SubjectWithOrigins = Subject & { allowedOrigins?: string[] | undefined };

/** Refusals that are put on record: who else is refused did nothing wrong. */
const noted: ReadonlySet<ProblemCode> = new Set(['unauthenticated', 'forbidden']);

/** Tells the gateway whose credential a request or socket carries. */
@Controller()
export class AuthenticateController {
  constructor(
    private readonly apps: AppStore,
    private readonly users: UserStore,
    private readonly keys: ApiKeyStore,
    private readonly tokens: UserTokens,
    private readonly rings: RingTokens,
    private readonly acts: FrequentActs,
    @Inject(Settings) private readonly settings: DirectorySettings,
    @Inject(Report) private readonly report: ReportError,
  ) {}

  @Serves(internal.authenticate)
  async whose(@InquiryOf(internal.authenticate) { body }: Inquiry<typeof internal.authenticate>): Promise<SubjectWithOrigins> {
    return this.#holderOf(body);
  }

  /** What the stores are asked for one and the other goes into one statement by itself. */
  @Serves(internal.authenticateSome)
  async whoseEach(
    @InquiryOf(internal.authenticateSome) { body }: Inquiry<typeof internal.authenticateSome>,
  ): Promise<{ answers: Answer[] }> {
    return { answers: await Promise.all(body.asked.map((one) => this.#answerTo(one))) };
  }

  async #answerTo(asked: Asked): Promise<Answer> {
    try {
      return { holder: await this.#holderOf(asked) };
    } catch (error) {
      if (!(error instanceof UnopenedError)) return refusalOf(error);
      // Of those that were asked for with it, each hears what is true of it.
      this.report(error, 'looking at a credential');
      return { refused: 'service_unavailable' };
    }
  }

  async #holderOf(asked: Asked): Promise<SubjectWithOrigins> {
    if (asked.appId) await this.apps.require(asked.appId);
    try {
      return await this.#holderIn(asked);
    } catch (error) {
      if (error instanceof ProblemError && noted.has(error.code)) await this.#noteRefused(asked, error.code);
      throw error;
    }
  }

  /** Of which app somebody was refused, is known where they say it, or where their token was signed with a secret of it. */
  async #noteRefused({ appId, credential }: Asked, code: ProblemCode): Promise<void> {
    // Whoever is refused is refused, whether it can be put on record or not.
    const of = appId ?? (await this.tokens.appOf(credential).catch(() => undefined));
    if (of) this.acts.note(of, 'nobody', 'sign_in.refused', code);
  }

  async #holderIn({ credential, appId, withOrigins }: Asked): Promise<SubjectWithOrigins> {
    const whose = await this.#whose(credential);
    if (appId && (!('appId' in whose) || whose.appId !== appId)) throw new ProblemError('forbidden', `token: it is not of app ${appId}`);
    if (whose.kind === 'user' || whose.kind === 'ring') await this.users.ensure(whose.appId, whose.userAlias, whose.token?.issuedAt);
    if (!withOrigins || !('appId' in whose)) return whose;
    const { options } = await this.apps.options(whose.appId);
    return { ...whose, allowedOrigins: options.allowedOrigins };
  }

  async #whose(credential: string): Promise<Subject> {
    const operator = this.settings.OPERATOR_KEY.find(credential);
    if (operator) return { kind: 'operator', ...operator };
    if (isRingToken(credential)) return this.rings.verify(credential);
    if (!credential.startsWith(keyPrefix)) return { kind: 'user', ...(await this.tokens.verify(credential)) };
    const key = await this.keys.find(credential);
    if (!key) throw new ProblemError('unauthenticated', 'This API key is unknown or revoked');
    const { appState, ...holder } = key;
    requireOpen(holder.appId, appState);
    return { kind: 'key', ...holder };
  }
}

/** @returns what one is told who is refused. @throws what is no refusal: then nobody can be told anything. */
function refusalOf(error: unknown): Answer {
  if (error instanceof ProblemError && !error.isUndecided) return { refused: error.code, detail: error.message };
  throw error;
}
