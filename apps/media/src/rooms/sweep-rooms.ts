import { DueRows, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Rooms } from './rooms.js';

/** Looks every half minute for rooms that outlived their call. */
@Injectable()
export class SweepRooms implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;

  constructor(rooms: Rooms, @Inject(Report) report: ReportError) {
    const work = () => rooms.sweep().then(() => null);
    this.#loop = new DueRows({ name: 'sweeping rooms', work, onError: report, maxPauseMs: 30_000 });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }
}
