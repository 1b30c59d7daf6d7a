import type { BeforeApplicationShutdown, FactoryProvider, OnApplicationBootstrap } from '@nestjs/common';
import { DueRows } from './due-rows.js';
import { Postgres } from './postgres.js';
import { Report, type ReportError } from './service.module.js';

/** Forgets once a minute what a service keeps only for a while. */
class PurgeRows implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;

  constructor(database: Postgres, report: ReportError, statements: readonly string[]) {
    const work = async () => {
      for (const statement of statements) await database.query(statement);
      return null;
    };
    this.#loop = new DueRows({ name: 'purging old rows', work, onError: report, maxPauseMs: 60_000 });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }
}

/**
 * Makes the provider that purges a service's tables.
 * @param statements each deletes rows of a bounded age, in bounded number where there may be many.
 */
export function purgeRows(statements: readonly string[]): FactoryProvider<PurgeRows> {
  return {
    provide: PurgeRows,
    inject: [Postgres, Report],
    useFactory: (database: Postgres, report: ReportError) => new PurgeRows(database, report, statements),
  };
}
