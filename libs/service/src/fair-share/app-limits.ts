import { type AppId, defaultLimits, type Limits, limitsWith } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import type { ReportError } from '../service.module.js';
import type { ServiceClient } from '../service-client.js';

/** What an operator sets holds everywhere after this, while the app is in use. */
const renewAfterMs = 5000;
/** For so long the first who comes of an app waits for the directory; then what holds by default does. */
const patienceMs = 500;
/** Of so many apps it is known here; the one that was asked for longest ago goes. */
const most = 5000;

interface Known {
  limits: Limits;
  /** When they were read, or could not be. */
  readAt: number;
  reading: Promise<void> | undefined;
}

/** What may be done in the name of each app. */
export class AppLimitsReading {
  readonly #known = new Map<AppId, Known>();

  constructor(
    private readonly directory: Pick<ServiceClient, 'ask'>,
    private readonly report: ReportError,
  ) {}

  /** Costs a request to the directory each five seconds and app at most, beside the work; only who comes of an app as the first waits for it. */
  async of(appId: AppId): Promise<Limits> {
    const known = this.#knownOf(appId);
    if (performance.now() - known.readAt >= renewAfterMs) known.reading ??= this.#read(appId, known);
    if (known.readAt === Number.NEGATIVE_INFINITY) await known.reading;
    return known.limits;
  }

  #knownOf(appId: AppId): Known {
    const known = this.#known.get(appId) ?? { limits: defaultLimits, readAt: Number.NEGATIVE_INFINITY, reading: undefined };
    this.#known.delete(appId);
    this.#known.set(appId, known);
    if (this.#known.size > most) this.#known.delete(this.#known.keys().next().value as AppId);
    return known;
  }

  /** What cannot be read stays as it was. */
  async #read(appId: AppId, known: Known): Promise<void> {
    try {
      const { options } = await this.directory.ask(internal.appOptions, { params: { appId } }, { timeoutMs: patienceMs });
      known.limits = limitsWith(options.limits);
    } catch (error) {
      this.report(error, 'reading the limits of an app: the last ones hold');
    } finally {
      known.readAt = performance.now();
      known.reading = undefined;
    }
  }
}
