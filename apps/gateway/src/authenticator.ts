import type { AppId, Subject } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { ProblemError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { AllowedOrigins, type Page, PageRefused } from './public-door/allowed-origins.js';
import { mayAsk } from './public-door/cross-origin.js';
import { Services } from './services.js';
import type { GatewaySettings } from './settings.js';

const nobodys: ReadonlySet<string> = new Set();

/** Finds out whose credential a request or socket carries. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly services: Services,
    private readonly origins: AllowedOrigins,
    @Inject(Settings) private readonly settings: GatewaySettings,
  ) {}

  /**
   * @param by the app it must be of, and the page that shows it.
   * @throws ProblemError `unauthenticated`, `unknown_app` or `forbidden`, as the directory says; PageRefused for a page of an origin
   * that the credential's app does not allow.
   */
  async whose(credential: string, { appId, page }: { appId?: AppId; page?: Page | undefined } = {}): Promise<Subject> {
    const isElsewhere = page !== undefined && !mayAsk(page, nobodys);
    const asking = { body: { credential, ...(appId && { appId }), ...(isElsewhere && { withOrigins: true }) } };
    const answer = await this.services.directory.ask(internal.authenticate, asking, { timeoutMs: 4000, retryForMs: 2000 });
    const { allowedOrigins, ...subject } = answer;
    if (isElsewhere) this.origins.require(page, allowedOrigins);
    return subject;
  }

  /** Looks again and again at the credential of what lasts longer than a request. */
  whileGood(credential: string, page: Page): { revoked: AbortSignal; end: () => void } {
    const revoked = new AbortController();
    const checking = setInterval(() => {
      this.whose(credential, { page }).catch((error: unknown) => {
        const isRefused = error instanceof PageRefused || (error instanceof ProblemError && error.code === 'unauthenticated');
        if (isRefused) revoked.abort();
      });
    }, this.settings.STREAM_CHECK_MS);
    return { revoked: revoked.signal, end: () => clearInterval(checking) };
  }
}
