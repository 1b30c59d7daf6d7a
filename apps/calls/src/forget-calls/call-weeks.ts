import type { Database, Sql } from '@communication-center/event-log';
import { DueRows, type LineLog, Log, Postgres, Report, type ReportError, Settings, tellFigure } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { CallsSettings } from '../settings.js';
import { dropWeeks, eventWeeks, hasEventsWithoutWeek, makeWeeks } from './event-weeks.js';
import { letCallsBeOver } from './finished-calls.js';
import { timeOfId, weekMs } from './weeks.js';

/** Weeks have their partition so long before they begin: that many weeks in which somebody can mend what fails. */
const aheadWeeks = 8;
const everyMs = 600_000;

/** What becomes of the weeks of calls, now and then. */
export interface WeeksRound {
  database: Database;
  /** 0: for ever. */
  keepDays: number;
  /** By the database's clock, in milliseconds since 1970. */
  now: number;
}

/**
 * Makes the partitions that will be needed, lets calls be over that are kept no longer, and drops the weeks of which all are gone.
 * @returns the partitions that were dropped.
 */
export async function lookAfterWeeks({ database, keepDays, now }: WeeksRound): Promise<string[]> {
  await makeWeeks(database, now + aheadWeeks * weekMs);
  return keepDays === 0 ? [] : dropWeeks(database, await letCallsBeOver(database, now, keepDays));
}

/** Looks after the weeks of calls: when a replica starts, and every ten minutes. Every replica does. */
@Injectable()
export class CallWeeks implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #database: Database;
  readonly #loop: DueRows;

  constructor(
    @Inject(Postgres) database: Postgres,
    @Inject(Settings) private readonly settings: Pick<CallsSettings, 'KEEP_FINISHED_CALLS_DAYS'>,
    @Inject(Report) report: ReportError,
    @Inject(Log) private readonly log: LineLog,
  ) {
    this.#database = database.background;
    tellWeeks(database.of('reads'));
    this.#loop = new DueRows({ name: 'looking after the weeks of calls', work: () => this.#look(), onError: report, maxPauseMs: everyMs });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
  }

  async #look(): Promise<null> {
    const { rows } = await this.#database.query<{ now: number }>('SELECT (extract(epoch FROM now()) * 1000)::float8 AS now');
    const now = rows[0]?.now ?? Number.NaN;
    const dropped = await lookAfterWeeks({ database: this.#database, keepDays: this.settings.KEEP_FINISHED_CALLS_DAYS, now });
    if (dropped.length > 0) this.log.info({ dropped }, 'weeks of calls went');
    return null;
  }
}

/** Tells Prometheus what lacks where nobody has made partitions for long. */
function tellWeeks(sql: Sql): void {
  tellFigure('event_weeks_ahead', 'For how many weeks to come the events of calls have a partition', async () => {
    const last = (await eventWeeks(sql)).at(-1);
    return last ? (timeOfId(last.to) - Date.now()) / weekMs : 0;
  });
  tellFigure(
    'events_without_week',
    '1 where events are of no week that has a partition: nothing is lost, but they go with no week',
    async () => ((await hasEventsWithoutWeek(sql)) ? 1 : 0),
  );
}
