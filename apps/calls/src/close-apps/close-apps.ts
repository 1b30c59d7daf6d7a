import { DueRows, Postgres, Report, type ReportError } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { endSomeCalls, isAnyClosing } from './closing-apps.js';

/** Ends the calls of apps that were suspended or deleted, by deadlines that are due at once: a batch of users to a transaction. */
@Injectable()
export class CloseApps implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;

  constructor(database: Postgres, @Inject(Report) report: ReportError) {
    const jobs = database.of('jobs');
    // None is, as a rule: one question, on the connection of all that looks around, and no transaction.
    const work = async () => ((await isAnyClosing(database.background)) ? jobs.transaction((tx) => endSomeCalls(tx)) : null);
    this.#loop = new DueRows({ name: 'ending the calls of closed apps', work, onError: report });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }
}
