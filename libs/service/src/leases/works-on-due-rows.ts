import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { DueRows } from '../due-rows.js';
import type { ReportError } from '../service.module.js';

/** How due rows are looked for. */
export interface Looking {
  /** Names it in reports of errors. */
  name: string;
  report: ReportError;
  /** The longest pause between two looks, in milliseconds. */
  maxPauseMs: number;
}

/** A part of a service that works on rows at their times, for as long as the service runs: what is in hand when that stops is finished first. */
export abstract class WorksOnDueRows implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;

  protected constructor({ name, report, maxPauseMs }: Looking) {
    this.#loop = new DueRows({ name, work: () => this.work(), onError: report, maxPauseMs });
  }

  /** Does what is due. @returns milliseconds until the next row is due; null when none waits. */
  protected abstract work(): Promise<number | null>;

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }

  /** There are new rows, or others are due. */
  wake(): void {
    this.#loop.wake();
  }
}
