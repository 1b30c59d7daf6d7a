import { Report, type ReportError, Settings } from '@communication-center/service';
import { connectRedis } from '@communication-center/service/redis';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { MediaSettings } from '../settings.js';
import { SeenViewers } from './domain/seen-viewers.js';

/** Who asked within this time, in seconds, watches: players ask each second. */
const withinSeconds = 10;
const bucketSeconds = 5;
const tellEveryMs = 1000;

/**
 * Counts who watches, all replicas together: each viewer is counted once, whichever replica it asks. Redis holds a sketch of them for some seconds, which
 * has a size of its own however many they are (HyperLogLog); without it each replica counts for itself.
 */
@Injectable()
export class CountViewers implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #seen = new SeenViewers(withinSeconds * 1000);
  readonly #redis;
  #timer: NodeJS.Timeout | undefined;
  #fresh = new Map<string, Set<string>>();

  constructor(
    @Inject(Settings) settings: MediaSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    const { REDIS_URL } = settings;
    this.#redis = REDIS_URL
      ? connectRedis(
          { ...settings, REDIS_URL },
          { lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 1000 },
        )
      : undefined;
    // Counting is done without it for as long as it is away.
    this.#redis?.on('error', () => undefined);
  }

  onApplicationBootstrap(): void {
    this.#redis?.connect().catch((error: unknown) => this.report(error, 'counting viewers'));
    this.#timer = setInterval(() => void this.#tell(), tellEveryMs).unref();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.#timer);
    this.#redis?.disconnect();
  }

  /** A viewer asked for the newest of a broadcast. */
  note(broadcastId: string, viewer: string): void {
    if (!this.#seen.note(broadcastId, viewer, Date.now())) return;
    const fresh = this.#fresh.get(broadcastId) ?? new Set();
    this.#fresh.set(broadcastId, fresh.add(viewer));
  }

  /** @returns how many watch. */
  async of(broadcastId: string): Promise<number> {
    const own = this.#seen.count(broadcastId, Date.now());
    if (this.#redis?.status !== 'ready') return own;
    const bucket = Math.floor(Date.now() / 1000 / bucketSeconds);
    const keys = Array.from({ length: withinSeconds / bucketSeconds }, (_, back) => keyOf(broadcastId, bucket - back));
    return this.#redis.pfcount(...keys).catch(() => own);
  }

  async #tell(): Promise<void> {
    const fresh = this.#fresh;
    this.#fresh = new Map();
    if (fresh.size === 0 || this.#redis?.status !== 'ready') return;
    const bucket = Math.floor(Date.now() / 1000 / bucketSeconds);
    const pipeline = this.#redis.pipeline();
    for (const [broadcastId, viewers] of fresh) {
      const key = keyOf(broadcastId, bucket);
      pipeline.pfadd(key, ...viewers).expire(key, withinSeconds * 2);
    }
    await pipeline.exec().catch(() => undefined);
  }
}

/** In one slot of a cluster, as counting them together asks for. */
const keyOf = (broadcastId: string, bucket: number) => `cc:viewers:{${broadcastId}}:${bucket}`;
