import {
  type AppId,
  defaultLimits,
  type LimitHolder,
  type LimitKind,
  type Limits,
  type Rate,
  type Subject,
} from '@communication-center/contracts';
import { ProblemError, Report, type ReportError, Settings } from '@communication-center/service';
import { SharedLevels } from '@communication-center/service/shared-levels';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import type { GatewaySettings } from '../settings.js';
import { AppLimitsReading } from './app-limits.js';
import { type Asked, SharedBuckets, type Standing, type Taking } from './shared-buckets.js';

/** In whose name something is done, and from where. */
export interface Actor {
  subject: Subject;
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

/** Says of each act whether it is within the fair share of its app, its key or user, and its address. All replicas count together. */
@Injectable()
export class FairShare implements BeforeApplicationShutdown {
  readonly #levels: SharedLevels | undefined;
  readonly buckets: SharedBuckets;

  constructor(
    private readonly limits: AppLimitsReading,
    @Inject(Settings) { REDIS_URL, ...files }: Pick<GatewaySettings, 'REDIS_URL' | 'REDIS_CA_FILE' | 'REDIS_CERT_FILE' | 'REDIS_KEY_FILE'>,
    @Inject(Report) report: ReportError,
  ) {
    const failed = (error: unknown) => report(error, 'counting what is done together with other gateways: each counts for itself');
    this.#levels = REDIS_URL ? new SharedLevels({ REDIS_URL, ...files }, failed) : undefined;
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

/** @returns what an act is counted in. The operator, and services, are not limited. */
export function bucketsOf(kind: LimitKind, { subject, address }: Actor, limits: Limits): Asked[] {
  const named = (holder: LimitHolder, name: string): Asked[] => {
    const rate: Rate | undefined = limits[kind][holder];
    return rate ? [{ name: `${kind} ${holder} ${name}`, rate }] : [];
  };
  const ofAddress = address === undefined ? [] : named('address', address);
  const ofApp = (appId: AppId) => named('app', appId);
  if (subject.kind === 'key') return [...named('key', `${subject.appId}/${subject.keyId}`), ...ofApp(subject.appId)];
  if (subject.kind === 'user') return [...named('user', `${subject.appId}/${subject.userAlias}`), ...ofAddress, ...ofApp(subject.appId)];
  return subject.kind === 'nobody' ? ofAddress : [];
}

/** @returns what whoever has used its share up is told. */
export function refusalFor(what: string, { name, rate, waitMs }: NonNullable<Taking['lacks']>): ProblemError {
  const [, holder = ''] = name.split(' ');
  const detail = `Too many ${what} of this ${holder}: ${rate.perSecond} a second on average, and ${rate.burst} at once`;
  return new ProblemError('rate_limited', detail, { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) });
}
