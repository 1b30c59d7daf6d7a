import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';

/**
 * For so long what was read of the endpoints is taken to be so, in milliseconds, counted from before it was asked. Whoever makes
 * an endpoint answers only when this has passed everywhere; see {@link seenEverywhereMs}.
 */
export const trustedMs = 500;

/**
 * So long after its commit an endpoint is seen by every reader, in milliseconds: what anybody trusts then was asked after the
 * commit. Clocks that go wrong by more than a sixth are not provided for.
 */
export const seenEverywhereMs = trustedMs + 100;

/** What apps and endpoints that are remembered weigh at most, together: about so many KB. The apps that were read first are forgotten first. */
const mostHeld = 20_000;
/** Where endpoints of more apps than this have changed meanwhile, all are read again. */
const mostChanged = 1000;

/** By two clocks: one stands still while a machine is suspended, the other may be set back. */
interface Moment {
  steady: number;
  wall: number;
}

interface VersionRow {
  version: string;
  are_any: boolean;
  changed: AppId[] | null;
}

/**
 * Remembers the endpoints of apps, those without any above all, so that an event nobody wants costs no statement. What it says is
 * never older than {@link trustedMs}: past that it asks, in one statement for all apps and all who wait, what has changed.
 */
export class KnownEndpoints<Endpoint> {
  readonly #apps = new Map<AppId, readonly Endpoint[]>();
  #held = 0;
  #version: string | null = null;
  /** When what is known was true at the earliest. */
  #asOf: Moment | undefined;
  /** Whether any app had an endpoint, or another reason to keep its messages, then. */
  #areAny = true;
  #asking: Promise<void> | undefined;

  constructor(
    private readonly sql: Sql,
    private readonly load: (appIds: readonly AppId[]) => Promise<readonly { appId: AppId; endpoint: Endpoint }[]>,
    private readonly most = mostHeld,
    /** What an endpoint weighs; 1 is an ordinary one. */
    private readonly weightOf: (endpoint: Endpoint) => number = () => 1,
  ) {}

  /** @returns the endpoints of these apps: all whose making was acknowledged before this was called. */
  async of(appIds: readonly AppId[]): Promise<Endpoint[]> {
    await this.#askWhatChanged();
    // Taken before anything is waited for: meanwhile others may forget what has changed.
    const known = appIds.map((appId) => ({ appId, endpoints: this.#apps.get(appId) }));
    const unknown = known.flatMap(({ appId, endpoints }) => (endpoints ? [] : [appId]));
    const read = unknown.length > 0 ? await this.#read(unknown) : new Map<AppId, readonly Endpoint[]>();
    return known.flatMap(({ appId, endpoints }) => endpoints ?? read.get(appId) ?? []);
  }

  /**
   * @returns for how long nobody can wait for a delivery, in milliseconds: no app has an endpoint, and the making of one that this
   * does not know of is not acknowledged before that has passed. 0 where any has one, or nothing is known now.
   */
  nobodyWaitsForMs(): number {
    return this.#areAny || !this.#asOf ? 0 : Math.max(0, trustedMs - ageOf(this.#asOf));
  }

  async #askWhatChanged(): Promise<void> {
    const called = thisMoment();
    // An answer to what was asked after the call is good, however long it took.
    while (!this.#asOf || ageOf(this.#asOf) > Math.max(trustedMs, ageOf(called))) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
      await this.#asking;
    }
  }

  async #ask(): Promise<void> {
    const asOf = thisMoment();
    const { rows } = await this.sql.query<VersionRow>(
      `SELECT version, EXISTS (SELECT FROM endpoints WHERE deleted_at IS NULL) OR EXISTS (SELECT FROM event_consumers)
           OR EXISTS (SELECT FROM event_logs WHERE is_kept) AS are_any,
         (SELECT json_agg(app_id) FROM (SELECT app_id FROM endpoint_changes WHERE version > $1 LIMIT ${mostChanged + 1}) AS latest) AS changed
       FROM endpoint_version`,
      [this.#version],
    );
    const { version, are_any, changed } = rows[0] as VersionRow;
    if (this.#version === null || (changed?.length ?? 0) > mostChanged) this.#forgetAll();
    else for (const appId of changed ?? []) this.#forget(appId);
    this.#version = version;
    this.#areAny = are_any;
    this.#asOf = asOf;
  }

  async #read(appIds: readonly AppId[]): Promise<Map<AppId, readonly Endpoint[]>> {
    const version = this.#version;
    const byApp = Map.groupBy(await this.load(appIds), ({ appId }) => appId);
    const read = new Map(appIds.map((appId) => [appId, (byApp.get(appId) ?? []).map(({ endpoint }) => endpoint)]));
    // What has changed during the reading may be missing in it, and would not be named again: it is good for now alone.
    if (version === this.#version) for (const [appId, endpoints] of read) this.#remember(appId, endpoints);
    return read;
  }

  #remember(appId: AppId, endpoints: readonly Endpoint[]): void {
    this.#forget(appId);
    this.#apps.set(appId, endpoints);
    this.#held += this.#weightOfApp(endpoints);
    for (const oldest of this.#apps.keys()) {
      if (this.#held <= this.most) return;
      this.#forget(oldest);
    }
  }

  #forget(appId: AppId): void {
    const endpoints = this.#apps.get(appId);
    if (!endpoints) return;
    this.#apps.delete(appId);
    this.#held -= this.#weightOfApp(endpoints);
  }

  #weightOfApp(endpoints: readonly Endpoint[]): number {
    return endpoints.reduce((sum, endpoint) => sum + this.weightOf(endpoint), 1);
  }

  #forgetAll(): void {
    this.#apps.clear();
    this.#held = 0;
  }
}

const thisMoment = (): Moment => ({ steady: performance.now(), wall: Date.now() });
const ageOf = ({ steady, wall }: Moment): number => Math.max(performance.now() - steady, Date.now() - wall);
