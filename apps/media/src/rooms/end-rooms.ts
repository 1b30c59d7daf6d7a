import type { CallId } from '@communication-center/contracts';
import { DueRows, ProblemError, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Rooms } from './rooms.js';

const sweepEveryMs = 30_000;
const retryMs = 1000;

/** Closes the rooms of calls that have ended, those of a moment together, and looks every half minute for rooms that outlived theirs. */
@Injectable()
export class EndRooms implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #ended = new Set<CallId>();
  readonly #loop: DueRows;
  #sweepAt = 0;

  constructor(
    private readonly rooms: Rooms,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#loop = new DueRows({ name: 'sweeping rooms', work: () => this.#work(), onError: report, maxPauseMs: sweepEveryMs });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
    await this.#closeEnded();
  }

  /** Has a call's room closed, where anybody joined it through this replica: most calls never had one. */
  end(callId: CallId): void {
    if (!this.rooms.wasJoined(callId)) return;
    this.#ended.add(callId);
    this.#loop.wake();
  }

  async #work(): Promise<number> {
    const isDone = await this.#closeEnded();
    if (!isDone) return retryMs * (0.5 + Math.random());
    if (Date.now() >= this.#sweepAt) {
      this.#sweepAt = Date.now() + sweepEveryMs;
      await this.rooms.sweep();
    }
    return this.#sweepAt - Date.now();
  }

  /** @returns whether nothing is left to close; what PostgreSQL does not take is tried again. */
  async #closeEnded(): Promise<boolean> {
    const callIds = [...this.#ended];
    if (callIds.length === 0) return true;
    try {
      await this.rooms.close(callIds);
    } catch (error) {
      this.report(error, 'closing rooms');
      // The rows are closed; the sweep destroys in Janus what is left there.
      if (!(error instanceof ProblemError && error.code === 'media_unavailable')) return false;
    }
    for (const callId of callIds) this.#ended.delete(callId);
    return this.#ended.size === 0 || this.#closeEnded();
  }
}
