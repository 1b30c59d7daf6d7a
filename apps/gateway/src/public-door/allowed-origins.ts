import type { IncomingMessage } from 'node:http';
import { internal } from '@communication-center/contracts/internal';
import { ProblemError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { Services } from '../services.js';
import type { GatewaySettings } from '../settings.js';
import { mayAsk, originsIn } from './cross-origin.js';

/** Whoever asks: a page, when it names an origin. */
export type Page = Pick<IncomingMessage, 'headers'>;

/** So long an answer of the directory counts: a change is seen after that. */
const knownMs = 1000;
const mostKnown = 1000;
const longestOrigin = 300;

/** A page may not ask in an app's name: nothing of the answer is for it to read. */
export class PageRefused extends ProblemError {
  constructor(origin: string | undefined) {
    super('forbidden', `Pages of ${origin} may not ask in the name of this app: see its option allowedOrigins`);
  }
}

/** Which pages may ask this door: those of an app's own origins, or of the installation's where an app names none. */
@Injectable()
export class AllowedOrigins {
  readonly #ofAll: ReadonlySet<string>;
  readonly #known = new Map<string, { isAllowed: Promise<boolean>; until: number }>();

  constructor(
    private readonly services: Services,
    @Inject(Settings) settings: Pick<GatewaySettings, 'ALLOWED_ORIGINS'>,
  ) {
    this.#ofAll = originsIn(settings.ALLOWED_ORIGINS);
  }

  /**
   * Whether a page may ask in anybody's name: what can be said before a credential is seen, as of a preflight. While the directory
   * does not answer, only pages that the installation allows may.
   */
  async mayAskAtAll(page: Page): Promise<boolean> {
    if (mayAsk(page, this.#ofAll)) return true;
    const origin = page.headers.origin?.toLowerCase() ?? '';
    return origin.length <= longestOrigin && this.#isOfAnApp(origin);
  }

  /**
   * @param ofApp the origins that the app names; undefined where it leaves that to the installation.
   * @throws PageRefused
   */
  require(page: Page, ofApp: readonly string[] | undefined): void {
    if (!mayAsk(page, ofApp ? new Set(ofApp) : this.#ofAll)) throw new PageRefused(page.headers.origin);
  }

  async #isOfAnApp(origin: string): Promise<boolean> {
    const known = this.#known.get(origin);
    if (known && known.until > Date.now()) return known.isAllowed;
    const isAllowed = this.#ask(origin);
    this.#known.delete(origin);
    this.#known.set(origin, { isAllowed, until: Date.now() + knownMs });
    if (this.#known.size > mostKnown) this.#known.delete(this.#known.keys().next().value as string);
    return isAllowed;
  }

  async #ask(origin: string): Promise<boolean> {
    try {
      return (await this.services.directory.ask(internal.originAllowed, { query: { origin } }, { timeoutMs: 2000 })).isAllowed;
    } catch {
      return false;
    }
  }
}
