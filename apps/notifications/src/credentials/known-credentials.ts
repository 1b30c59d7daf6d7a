import type { AppId, PushProvider } from '@communication-center/contracts';
import { DueRows, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { CredentialStore, type KeptCredential } from './credential-store.js';

const lookEveryMs = 1000;
/** So long after it was saved, every replica that is well knows of it. */
export const seenEverywhereMs = 1500;

/**
 * Which apps have credentials, known in memory, so that calls of the others cost nothing; and the credentials themselves, read once
 * for each version. What is saved or deleted is known everywhere a second later, or two.
 */
@Injectable()
export class KnownCredentials implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;
  readonly #read = new Map<string, { version: string; kept: Promise<KeptCredential | undefined> }>();
  #mark = '';
  #versions = new Map<string, string>();
  #apps = new Set<string>();
  #telling = new Set<AppId>();
  #onChange: (() => void) | undefined;

  constructor(
    private readonly store: CredentialStore,
    @Inject(Report) report: ReportError,
  ) {
    this.#loop = new DueRows({ name: 'looking for credentials', work: () => this.look(), onError: report, maxPauseMs: lookEveryMs });
  }

  async onApplicationBootstrap(): Promise<void> {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }

  /** Whether any app pushes at all. */
  get isAnybodyThere(): boolean {
    return this.#apps.size > 0;
  }

  hasApp(appId: AppId): boolean {
    return this.#apps.has(appId);
  }

  /** Whether an app has the pushes of its rings told as events. */
  tellsRings(appId: AppId): boolean {
    return this.#telling.has(appId);
  }

  /** Apps that do. */
  get tellingRings(): AppId[] {
    return [...this.#telling];
  }

  /** Has it said when there are others. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** @returns undefined where the app has none. @throws UnopenedError where no key here opens them. */
  async of(appId: AppId, provider: PushProvider): Promise<KeptCredential | undefined> {
    const key = `${appId}/${provider}`;
    const version = this.#versions.get(key);
    if (version === undefined) return undefined;
    const known = this.#read.get(key);
    if (known?.version === version) return known.kept;
    const reading = { version, kept: this.store.read(appId, provider) };
    this.#read.set(key, reading);
    reading.kept.catch(() => this.#read.get(key) === reading && this.#read.delete(key));
    return reading.kept;
  }

  /** Looks whether others were saved. @returns null: it is looked again after a while. */
  async look(): Promise<null> {
    const mark = await this.store.mark();
    if (mark === this.#mark) return null;
    const [all, telling] = [await this.store.versions(), await this.store.tellingRings()];
    this.#telling = new Set(telling);
    this.#versions = new Map(all.map(({ appId, provider, version }) => [`${appId}/${provider}`, version]));
    this.#apps = new Set(all.map(({ appId }) => appId));
    for (const key of this.#read.keys()) if (!this.#versions.has(key)) this.#read.delete(key);
    this.#mark = mark;
    this.#onChange?.();
    return null;
  }
}
