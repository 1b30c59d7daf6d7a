import type { AppId, CallId } from '@communication-center/contracts';
import { isInfrastructureFailure } from '@communication-center/event-log';
import { Gathering, Postgres, ProblemError, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import type { Sample } from './domain/sample.js';
import { keepSamples, type TakenSample } from './quality-rows.js';

/** What comes within a second goes together. */
const paceMs = 1000;
const mostAtOnce = 500;
/** Some 10 MB: beyond that, and beyond a quarter of it of one app, samples are dropped. */
const mostWaiting = 4000;
const mostWaitingOfOne = 1000;
/** Of more calls the end is found by looking. */
const mostCalls = 20_000;
const stopWithinMs = 2000;

type Taken = Omit<TakenSample, 'ageMs'> & { takenAt: number };

/**
 * Keeps what devices measured, those of a second in one statement. A sample is a reading, not a promise: what PostgreSQL does not take is
 * dropped, the next one has the counters of it, and a process that is killed loses those of its last second.
 */
@Injectable()
export class KeepSamples implements BeforeApplicationShutdown {
  readonly #together: Gathering<Taken, void>;
  readonly #underWay = new Set<Promise<void>>();
  readonly #calls = new Set<CallId>();

  constructor(
    database: Postgres,
    @Inject(Report) private readonly report: ReportError,
  ) {
    const sql = database.of('consumers');
    this.#together = new Gathering<Taken, void>({
      work: async (group) => {
        const now = performance.now();
        await keepSamples(
          sql,
          group.map(({ takenAt, ...sample }) => ({ ...sample, ageMs: now - takenAt })),
        );
        return group.map(() => ({ done: undefined }));
      },
      ...{ mostAtOnce, mostWaiting, mostWaitingOfOne, paceMs },
      whose: ({ appId }) => appId,
      mayFallApart: (error) => !isInfrastructureFailure(error),
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.race([this.settled(), new Promise((resolve) => setTimeout(resolve, stopWithinMs))]);
  }

  /** Takes a sample that was just taken. */
  take(appId: AppId, callId: CallId, sample: Omit<Sample, 'at'>): void {
    this.#calls.add(callId);
    if (this.#calls.size > mostCalls) for (const oldest of this.#calls) if (this.#calls.delete(oldest)) break;
    const kept = this.#together.add({ ...sample, appId, callId, takenAt: performance.now() }).catch((error: unknown) => {
      // Too many wait: that they are dropped is meant.
      if (!(error instanceof ProblemError)) this.report(error, 'keeping samples of how media goes');
    });
    this.#underWay.add(kept);
    void kept.finally(() => this.#underWay.delete(kept));
  }

  /** Resolves once what was taken is kept, or dropped. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** A call has ended. @returns whether samples of it were taken here: the first time it is asked. */
  wasMeasured(callId: CallId): boolean {
    return this.#calls.delete(callId);
  }
}
