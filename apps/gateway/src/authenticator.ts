import { type AppId, authenticationBodySchema, type Subject } from '@communication-center/contracts';
import { type Asking, internal, internalLimits } from '@communication-center/contracts/internal';
import { type Mark, type Outcome, ProblemError, parseInput, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { askTogether, connectingPaceMs } from './ask-together.js';
import { CredentialEnds } from './credential-ends.js';
import { type Attempt, SignInFailures } from './fair-share/sign-in-failures.js';
import { AllowedOrigins, type Page, PageRefused } from './public-door/allowed-origins.js';
import { mayAsk } from './public-door/cross-origin.js';
import { Services } from './services.js';
import type { GatewaySettings } from './settings.js';

type Asked = Asking<typeof internal.authenticate>['body'];
type Holder = z.output<typeof internal.authenticate.answer>;

/** From where somebody comes, and as whom: sign-ins that fail are counted by it. */
export type From = Omit<Attempt, 'credential'>;

const nobodys: ReadonlySet<string> = new Set();
/** What keys and tokens are made of (RFC 7235 §2.1); others may take more bytes than together there is room for. */
const isPlain = /^[\w.~+/=-]+$/;
const patience = { timeoutMs: 4000, retryForMs: 2000 };

/** Finds out whose credential a request or socket carries. */
@Injectable()
export class Authenticator {
  /** Asked anew for each request and socket, so that what is revoked is refused at once; those that come together, together. */
  readonly #holderOf: Record<'request' | 'socket', (asked: Asked) => Promise<Holder>>;

  constructor(
    private readonly services: Services,
    private readonly origins: AllowedOrigins,
    private readonly ends: CredentialEnds,
    private readonly failures: SignInFailures,
    @Inject(Settings) private readonly settings: GatewaySettings,
  ) {
    // Whoever sends a request waits for its answer, however many others do.
    this.#holderOf = { request: this.#askAt(0), socket: this.#askAt(connectingPaceMs) };
  }

  /**
   * @param by the app it must be of, which a socket names, the page that shows it, and from where it comes, unless it was looked at before.
   * @throws ProblemError `rate_limited` where too many failed from there, `unauthenticated`, `unknown_app` or `forbidden`, as the directory says; PageRefused for a page of an origin
   * that the credential's app does not allow.
   */
  async whose(credential: string, { appId, page, from }: { appId?: AppId; page?: Page | undefined; from?: From } = {}): Promise<Subject> {
    const isElsewhere = page !== undefined && !mayAsk(page, nobodys);
    // Parsed before it is asked together with others: what is wrong with one is that one's.
    const asked = parseInput(authenticationBodySchema, { credential, ...(appId && { appId }), ...(isElsewhere && { withOrigins: true }) });
    const ask = () => this.#ask(asked);
    const { allowedOrigins, ...subject } = await (from ? this.failures.watch({ credential, ...from }, ask) : ask());
    if (isElsewhere) this.origins.require(page, allowedOrigins);
    return subject;
  }

  async #ask(asked: Asked): Promise<Holder> {
    if (!isPlain.test(asked.credential)) return this.#holderOfOne(asked);
    return this.#holderOf[asked.appId === undefined ? 'request' : 'socket'](asked);
  }

  #askAt(paceMs: number): (asked: Asked) => Promise<Holder> {
    return askTogether<Asked, Holder>({
      one: (body) => this.#holderOfOne(body),
      some: async (asked) => {
        const { answers } = await this.services.directory.ask(internal.authenticateSome, { body: { asked: [...asked] } }, patience);
        return answers.map(outcomeOf);
      },
      mostAtOnce: internalLimits.credentialsAtOnce,
      paceMs,
      // A request does not say of which app it is.
      whose: ({ appId = '' }) => appId,
    });
  }

  async #holderOfOne(body: Asked): Promise<Holder> {
    return this.services.directory.ask(internal.authenticate, { body }, patience);
  }

  /** As {@link whose}, for what lasts longer than a request, and a mark of before: see {@link whileGood}. */
  async whoseLasting(credential: string, page: Page, from: From): Promise<{ subject: Subject; mark: Mark }> {
    const mark = await this.ends.mark();
    return { subject: await this.whose(credential, { page, from }), mark };
  }

  /**
   * Tells when the credential of what lasts longer than a request has ended, and looks again and again whether its page may still.
   * @throws ProblemError `unauthenticated` where it has ended already, `service_unavailable`.
   */
  whileGood(
    credential: string,
    page: Page,
    { subject, mark }: { subject: Subject; mark: Mark },
  ): { revoked: AbortSignal; end: () => void } {
    const revoked = new AbortController();
    const letGo = this.ends.hold(subject, mark, () => revoked.abort());
    const checking = setInterval(() => {
      this.whose(credential, { page }).catch((error: unknown) => {
        const isRefused = error instanceof PageRefused || (error instanceof ProblemError && error.code === 'unauthenticated');
        if (isRefused) revoked.abort();
      });
    }, this.settings.STREAM_CHECK_MS);
    const end = () => {
      clearInterval(checking);
      letGo();
    };
    return { revoked: revoked.signal, end };
  }
}

type Answered = z.output<typeof internal.authenticateSome.answer>['answers'][number];

function outcomeOf(answer: Answered): Outcome<Holder> {
  return 'holder' in answer ? { done: answer.holder } : { failed: new ProblemError(answer.refused, answer.detail) };
}
