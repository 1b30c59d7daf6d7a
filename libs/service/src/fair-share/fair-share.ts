import {
  type AppId,
  defaultLimits,
  type LimitHolder,
  type LimitKind,
  type Limits,
  type Rate,
  type Subject,
} from '@communication-center/contracts';
import type { BeforeApplicationShutdown, FactoryProvider } from '@nestjs/common';
import { Identity } from '../identity.js';
import { ProblemError } from '../problem-error.js';
import { Replicas } from '../replicas.js';
import { type RedisSettings, redisSettings } from '../server-settings.js';
import { Report, type ReportError } from '../service.module.js';
import { ServiceClient } from '../service-client.js';
import { Settings } from '../settings.js';
import { AppLimitsReading } from './app-limits.js';
import { type Asked, type Ledger, SharedBuckets, type Standing, type Taking } from './shared-buckets.js';
import type { SharedLevels, Taken } from './shared-levels.js';

export type { Asked, Standing } from './shared-buckets.js';
export { SharedBuckets } from './shared-buckets.js';

type SharingSettings = Partial<RedisSettings>;

/** Where doors count together. They do without it. */
export const sharingSettings = {
  ...redisSettings,
  REDIS_URL: redisSettings.REDIS_URL.optional()
    .meta({ secret: true })
    .describe(
      'Redis in which doors count together how much is done in whose name; holds no truth. `rediss://` is TLS; a certificate that does not match is refused. Without it each counts for itself',
    ),
};

/** An account of a phone system: it stands for a user. */
interface SipAccount {
  kind: 'sip_account';
  appId: AppId;
  username: string;
}

/** In whose name something is done, and from where. */
export interface Actor {
  subject: Subject | SipAccount;
  /** Left out where the address does not count: of a socket that is signed in. */
  address?: string | undefined;
}

/** How an act stands to the limits that it counts for. */
export interface Share {
  standings: readonly Standing[];
  /** Set where it is refused: then it counts for nothing. */
  refused?: ProblemError;
  /** Until there is one again, where it is refused. */
  waitMs?: number;
}

/** Says of each act whether it is within the fair share of its app, its key or user, and its address. All doors count together. */
export class FairShare implements BeforeApplicationShutdown {
  readonly #levels: LevelsOnceNeeded | undefined;
  readonly buckets: SharedBuckets;

  constructor(
    private readonly limits: Pick<AppLimitsReading, 'of'>,
    { REDIS_URL, ...files }: SharingSettings,
    report: ReportError,
  ) {
    const failed = (error: unknown) => report(error, 'counting what is done together with other doors: each counts for itself');
    this.#levels = REDIS_URL ? new LevelsOnceNeeded({ REDIS_URL, ...files }, failed) : undefined;
    this.buckets = new SharedBuckets(this.#levels, failed);
  }

  beforeApplicationShutdown(): void {
    this.buckets.stop();
    this.#levels?.close();
  }

  /** Counts an act, unless it is refused. */
  async take(kind: LimitKind, actor: Actor): Promise<Share> {
    const { subject } = actor;
    const limits = 'appId' in subject ? await this.limits.of(subject.appId) : defaultLimits;
    const asked = bucketsOf(kind, actor, limits);
    const { standings, lacks } = await this.buckets.take(asked);
    return { standings, ...(lacks && { refused: refusalFor(kind, lacks), waitMs: lacks.waitMs }) };
  }

  /** As {@link take}. @throws ProblemError `rate_limited`. */
  async require(kind: LimitKind, actor: Actor): Promise<void> {
    const { refused } = await this.take(kind, actor);
    if (refused) throw refused;
  }
}

/** Reaches Redis when there is something to tell for the first time: a door that nobody uses keeps no connection, nor what it takes to have one. */
class LevelsOnceNeeded implements Ledger {
  #levels: Promise<SharedLevels> | undefined;

  constructor(
    private readonly settings: RedisSettings,
    private readonly onError: (error: unknown) => void,
  ) {}

  async settle(taken: readonly Taken[]): Promise<number[]> {
    this.#levels ??= this.#open();
    return (await this.#levels).settle(taken);
  }

  close(): void {
    void this.#levels?.then((levels) => levels.close());
  }

  async #open(): Promise<SharedLevels> {
    const { SharedLevels } = await import('./shared-levels.js');
    const levels = new SharedLevels(this.settings, this.onError);
    await levels.opened;
    return levels;
  }
}

/** The provider that holds a door to what its callers may do. */
export const fairShare: FactoryProvider<FairShare> = {
  provide: FairShare,
  inject: [Identity, Settings, Report],
  useFactory: (identity: Identity, settings: SharingSettings & { DIRECTORY_URL: string[] }, report: ReportError) => {
    const directory = new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL));
    return new FairShare(new AppLimitsReading(directory, report), settings, report);
  },
};

/** @returns what an act is counted in. The operator, and services, are not limited. */
export function bucketsOf(kind: LimitKind, { subject, address }: Actor, limits: Limits): Asked[] {
  const named = (holder: LimitHolder, name: string): Asked[] => {
    const rate: Rate | undefined = limits[kind][holder];
    return rate ? [{ name: `${kind} ${holder} ${name}`, rate }] : [];
  };
  const ofAddress = address === undefined ? [] : named('address', address);
  const ofApp = (appId: AppId) => named('app', appId);
  if (subject.kind === 'key') return [...named('key', `${subject.appId}/${subject.keyId}`), ...ofApp(subject.appId)];
  if (subject.kind === 'user' || subject.kind === 'ring')
    return [...named('user', `${subject.appId}/${subject.userAlias}`), ...ofAddress, ...ofApp(subject.appId)];
  if (subject.kind === 'sip_account')
    return [...named('user', `${subject.appId}/${subject.username}`), ...ofAddress, ...ofApp(subject.appId)];
  return subject.kind === 'nobody' ? ofAddress : [];
}

/** @returns what whoever has used its share up is told. */
export function refusalFor(what: string, { name, rate, waitMs }: NonNullable<Taking['lacks']>): ProblemError {
  const [, holder = ''] = name.split(' ');
  const detail = `Too many ${what} of this ${holder}: ${rate.perSecond} a second on average, and ${rate.burst} at once`;
  return new ProblemError('rate_limited', detail, { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) });
}
