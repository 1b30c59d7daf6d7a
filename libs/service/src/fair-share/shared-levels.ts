import type { Redis } from 'ioredis';
import { connectRedis } from '../redis.js';
import type { RedisSettings } from '../server-settings.js';

/** What one process took of a bucket since it last told. */
export interface Taken {
  name: string;
  perSecond: number;
  burst: number;
  count: number;
}

/**
 * Takes of buckets what was taken of them, by the clock of Redis, and answers what they hold: less than nothing where more was taken
 * than there was. A bucket that is full again is forgotten.
 */
const settle = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local levels = {}
for i, key in ipairs(KEYS) do
  local perSecond, burst, count = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local level = burst
  local kept = redis.call('GET', key)
  if kept then
    local was, at = string.match(kept, '^(%S+) (%S+)$')
    level = math.min(burst, was + math.max(0, now - at) / 1000 * perSecond)
  end
  level = math.max(-burst, level - count)
  if level >= burst then
    redis.call('DEL', key)
  else
    redis.call('SET', key, string.format('%.4f %.0f', level, now), 'PX', math.ceil((burst - level) / perSecond * 1000) + 1000)
  end
  levels[i] = string.format('%.4f', level)
end
return levels`;

/** One part of a cluster has them all, so that one script may. */
const prefix = '{fair-share}:';
const connectMs = 2000;
/** Whoever asks does not wait for so long: it is when an answer is no longer waited for. */
const answerMs = 1000;
const longestPauseMs = 5000;

/** Buckets of tokens that processes share, in Redis: one round trip for any number of them. Redis holds no truth: without it all are full. */
export class SharedLevels {
  readonly #redis: Redis;
  /** Settled once Redis was reached, or could not be for the first time. */
  readonly opened: Promise<void>;

  /** @param onError hears of lost connections, each time one is. */
  constructor(settings: RedisSettings, onError: (error: unknown) => void) {
    this.#redis = connectRedis(settings, {
      lazyConnect: true,
      connectTimeout: connectMs,
      commandTimeout: answerMs,
      // What Redis does not take at once nobody waits for.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (times) => Math.min(longestPauseMs, 50 * 2 ** Math.min(times, 7)) * (0.5 + Math.random() / 2),
    });
    this.#redis.on('error', onError);
    // The error itself was told above.
    this.opened = this.#redis.connect().catch(() => undefined);
  }

  /** @returns what each holds afterwards. @throws where Redis does not answer within a second: then nobody knows whether it was taken. */
  async settle(all: readonly Taken[]): Promise<number[]> {
    const keys = all.map(({ name }) => prefix + name);
    const values = all.flatMap(({ perSecond, burst, count }) => [perSecond, burst, count]);
    const levels = (await this.#redis.eval(settle, keys.length, ...keys, ...values)) as string[];
    return levels.map(Number);
  }

  close(): void {
    this.#redis.disconnect();
  }
}
