import { DueRows, Postgres, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';

/** Forgets sessions and calls that have been over for an hour: kept so long only to know repeats of their events. */
@Injectable()
export class ForgetOldRows implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;

  constructor(
    private readonly database: Postgres,
    @Inject(Report) report: ReportError,
  ) {
    this.#loop = new DueRows({ name: 'forgetting old rows', work: () => this.#forget(), onError: report, maxPauseMs: 60_000 });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }

  async #forget(): Promise<null> {
    await this.database.query("DELETE FROM device_sessions WHERE closed_at < clock_timestamp() - interval '1 hour'");
    await this.database.query("DELETE FROM current_calls WHERE ended AND updated_at < clock_timestamp() - interval '1 hour'");
    return null;
  }
}
