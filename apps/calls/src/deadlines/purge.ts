import { DueRows, Postgres, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';

const day = 86_400;

/** Forgets what is kept only for a while: command replies after a day, closed sessions after an hour. */
@Injectable()
export class Purge implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;

  constructor(
    private readonly database: Postgres,
    @Inject(Report) report: ReportError,
  ) {
    this.#loop = new DueRows({ name: 'purging old rows', work: () => this.#purge(), onError: report, maxPauseMs: 60_000 });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }

  async #purge(): Promise<null> {
    await this.database.query(
      `DELETE FROM commands WHERE ctid IN (
         SELECT ctid FROM commands WHERE created_at < clock_timestamp() - make_interval(secs => $1) LIMIT 5000)`,
      [day],
    );
    await this.database.query("DELETE FROM device_sessions WHERE closed_at < clock_timestamp() - interval '1 hour'");
    return null;
  }
}
