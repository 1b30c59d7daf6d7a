import type { Database } from '@communication-center/event-log';
import { DueRows, type LineLog, Log, Postgres, Report, type ReportError, Settings, tellFigure } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { noteGone, notePlaces } from '../read-events/log-places.js';
import type { WebhooksSettings } from '../settings.js';
import { type DayTable, daysOf, dropDays, makeDays } from './days.js';

/** Days have their partition so long before they begin: that many days in which somebody can mend what fails. */
const aheadDays = 3;
const everyMs = 600_000;
const dayMs = 86_400_000;

/** The tables of this service that go by day. */
const dayTables = ({ KEEP_MESSAGES_DAYS, KEEP_DELIVERIES_DAYS }: WebhooksSettings): DayTable[] => [
  { table: 'messages', by: 'occurred_at', keepDays: KEEP_MESSAGES_DAYS, onGone: noteGone },
  { table: 'delivery_attempts', by: 'at', keepDays: KEEP_DELIVERIES_DAYS },
];

/** Looks after the days of messages and attempts: when a replica starts, and every ten minutes. Every replica does. */
@Injectable()
export class KeepDays implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #database: Database;
  readonly #tables: readonly DayTable[];
  readonly #loop: DueRows;

  constructor(
    @Inject(Postgres) database: Postgres,
    @Inject(Settings) settings: WebhooksSettings,
    @Inject(Report) report: ReportError,
    @Inject(Log) private readonly log: LineLog,
  ) {
    this.#database = database.background;
    this.#tables = dayTables(settings);
    this.#loop = new DueRows({
      name: 'looking after the days of messages',
      work: () => this.#look(),
      onError: report,
      maxPauseMs: everyMs,
    });
    tellFigure('message_days_ahead', 'For how many days to come messages have a partition: without one they go row by row', async () => {
      const last = (await daysOf(database.of('reads'), 'messages')).at(-1);
      return last ? (last.from + dayMs - Date.now()) / dayMs : 0;
    });
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
    await notePlaces(this.#database);
    for (const table of this.#tables) {
      await makeDays(this.#database, table, now, aheadDays);
      const dropped = await dropDays(this.#database, table, now);
      if (dropped.length > 0) this.log.info({ dropped }, 'days that are kept no longer went');
    }
    return null;
  }
}
