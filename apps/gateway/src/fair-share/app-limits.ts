import { type AppId, defaultLimits, type Limits, limitsWith } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import { KeptFresh, Report, type ReportError } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { Services } from '../services.js';

/** What an operator sets holds everywhere after this; who was not asked for longer is read before it is answered for. */
const freshness = { goodForMs: 60_000, renewAfterMs: 5000 };
/** The directory is not waited for any longer; what was known last holds, or what holds by default. */
const patienceMs = 500;
/** Of so many apps it is known here; the one that was asked for longest ago goes. */
const most = 5000;

interface Known {
  fresh: KeptFresh<Limits>;
  last: Limits;
}

/** What may be done in the name of each app. */
@Injectable()
export class AppLimitsReading {
  readonly #known = new Map<AppId, Known>();

  constructor(
    private readonly services: Services,
    @Inject(Report) private readonly report: ReportError,
  ) {}

  /** Costs a request to the directory each five seconds and app at most, beside the work of who asks; and one when an app comes first. */
  async of(appId: AppId): Promise<Limits> {
    const known = this.#knownOf(appId);
    try {
      return await known.fresh.get();
    } catch (error) {
      this.report(error, 'reading the limits of an app: the last ones hold');
      return known.last;
    }
  }

  #knownOf(appId: AppId): Known {
    const known = this.#known.get(appId) ?? this.#make(appId);
    this.#known.delete(appId);
    this.#known.set(appId, known);
    if (this.#known.size > most) this.#known.delete(this.#known.keys().next().value as AppId);
    return known;
  }

  #make(appId: AppId): Known {
    const known: Known = { fresh: new KeptFresh(() => this.#read(appId, known), freshness), last: defaultLimits };
    return known;
  }

  async #read(appId: AppId, known: Known): Promise<Limits> {
    const { options } = await this.services.directory.ask(internal.appOptions, { params: { appId } }, { timeoutMs: patienceMs });
    known.last = limitsWith(options.limits);
    return known.last;
  }
}
