import { Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { DueRows } from './due-rows.js';
import { nextAttemptIn } from './next-attempt.js';
import { connectRedis } from './redis.js';
import type { RedisSettings } from './server-settings.js';
import { inNewTrace } from './trace.js';

/** One attempt at the work of one row. */
export interface RowJob {
  rowId: string;
  /** Which attempt it will be, from 1: a job of an attempt that was made finds nothing to do. */
  attempt: number;
  delayMs: number;
}

export interface RowJobsOptions {
  name: string;
  redis: RedisSettings;
  /** Does the row's work if the row says that it is due; records the outcome in the row. */
  work: (rowId: string, attempt: number) => Promise<void>;
  /** Finds rows whose time has passed: their jobs were lost, or never added. Bounded by its own LIMIT. */
  overdue: () => Promise<RowJob[]>;
  /** Seconds before each attempt, the first included. */
  schedule: readonly number[];
  onError: (error: unknown, doing: string) => void;
  concurrency?: number;
  sweepMs?: number;
  /** How long a stop waits for jobs in hand. */
  finishMs?: number;
}

/** An attempt that failed, and may be made again. */
interface FailedAttempt {
  rowId: string;
  /** Attempts made so far, with this one. */
  made: number;
  /** How long the other side asked to be left alone. */
  askedMs?: number | null;
  /** Notes in the row when it is due again. */
  putOff: (delayMs: number) => Promise<void>;
}

/**
 * Runs the work of database rows at their times, over BullMQ. A job holds a row's id and nothing else: the row decides,
 * and a sweep adds again what Redis forgot, so that Redis may be flushed at any time.
 */
export class RowJobs {
  readonly #options: RowJobsOptions;
  readonly #connections: Redis[];
  readonly #queue: Queue;
  readonly #worker: Worker<{ rowId: string; attempt: number }>;
  readonly #sweep: DueRows;

  constructor(options: RowJobsOptions) {
    this.#options = options;
    // A row that cannot be queued now is found by the sweep: better than a caller that waits for Redis.
    const queueing = connectRedis(options.redis, { connectTimeout: 3000, commandTimeout: 5000, maxRetriesPerRequest: 1 });
    const working = connectRedis(options.redis, { connectTimeout: 3000, maxRetriesPerRequest: null });
    this.#connections = [queueing, working];
    for (const connection of this.#connections) connection.on('error', (error: unknown) => options.onError(error, 'talking to Redis'));
    this.#queue = new Queue(options.name, {
      connection: queueing,
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
    });
    this.#queue.on('error', (error) => options.onError(error, `the ${options.name} queue`));
    this.#worker = new Worker(options.name, ({ data }) => inNewTrace(() => this.#work(data)), {
      connection: working,
      concurrency: options.concurrency ?? 10,
      autorun: false,
    });
    this.#worker.on('error', (error) => options.onError(error, `the ${options.name} worker`));
    this.#worker.on('failed', (_job, error) => options.onError(error, `a job of ${options.name}`));
    this.#sweep = new DueRows({
      name: `sweeping for ${options.name}`,
      work: () => this.#addOverdue(),
      onError: options.onError,
      maxPauseMs: options.sweepMs ?? 5000,
    });
  }

  start(): void {
    this.#worker.run().catch((error: unknown) => this.#options.onError(error, `running the ${this.#options.name} worker`));
    this.#sweep.start();
  }

  /** Begins no job any more, and lets those in hand finish for a while. Jobs may still be added, for other replicas. */
  async finish(): Promise<void> {
    await this.#sweep.stop();
    const finished = this.#worker
      .close()
      .catch((error: unknown) => this.#options.onError(error, `closing the ${this.#options.name} worker`));
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.finishMs ?? 1500);
    });
    await Promise.race([finished, tooLong]);
    clearTimeout(timer);
  }

  /** Finishes; a job that takes too long is left to the row, which says when it is due again. */
  async stop(): Promise<void> {
    await this.finish();
    await this.#queue.close();
    for (const connection of this.#connections) connection.disconnect();
  }

  /** Adds jobs, all in one round trip. Never throws: what Redis does not take, the sweep adds later. */
  async add(jobs: readonly RowJob[]): Promise<void> {
    if (jobs.length === 0) return;
    const bulk = jobs.map(({ rowId, attempt, delayMs }) => ({
      name: this.#options.name,
      data: { rowId, attempt },
      opts: { jobId: `${rowId}-${attempt}`, delay: Math.max(0, delayMs) },
    }));
    await this.#queue.addBulk(bulk).catch((error: unknown) => this.#options.onError(error, `adding jobs of ${this.#options.name}`));
  }

  /**
   * Has an attempt made again at the time its schedule says: noted in the row first, which decides.
   * @returns false when there are no more attempts: the row has come to its end.
   */
  async tryLater({ rowId, made, askedMs, putOff }: FailedAttempt): Promise<boolean> {
    const delayMs = nextAttemptIn(this.#options.schedule, made, Math.random(), askedMs ?? 0);
    if (delayMs === null) return false;
    await putOff(delayMs);
    await this.add([{ rowId, attempt: made + 1, delayMs }]);
    return true;
  }

  async #work({ rowId, attempt }: { rowId: string; attempt: number }): Promise<void> {
    const { work, name, onError } = this.#options;
    // Told here, as a part of its trace. That is its end, too: the row says when it is tried again.
    await work(rowId, attempt).catch((error: unknown) => onError(error, `a job of ${name}`));
  }

  async #addOverdue(): Promise<null> {
    await this.add(await this.#options.overdue());
    return null;
  }
}
