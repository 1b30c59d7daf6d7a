import { callLimits } from '@communication-center/contracts';
import { OutboxRelay } from '@communication-center/event-log';
import { DueRows, type LineLog, Log, Postgres, Report, type ReportError, resumeTrace, Settings } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { CallsSettings } from '../settings.js';
import { DeadlineSweep } from './deadline-sweep.js';

/** Where replicas wake at the same moment, the later one mostly finds the work done. */
const jitterMs = 15;

/** Fires deadlines when they fall due. Every replica runs one, with connections that requests do not compete for. */
@Injectable()
export class DeadlineSweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #database: Postgres;
  readonly #sweep: DeadlineSweep;
  readonly #loop: DueRows;

  constructor(
    relay: OutboxRelay,
    @Inject(Settings) settings: CallsSettings,
    @Inject(Report) report: ReportError,
    @Inject(Log) log: LineLog,
  ) {
    this.#database = new Postgres({
      schema: 'calls',
      settings,
      pools: { commands: DeadlineSweep.connections },
      onError: (error) => report(error, 'an idle connection of the deadlines'),
    });
    this.#sweep = new DeadlineSweep({
      database: this.#database,
      committed: (published) => relay.committed(published),
      onFired: (fired) => resumeTrace([fired], () => log.info({ deadline: fired.kind }, 'fired')),
      report: (error) => report(error, 'firing call deadlines'),
      chances: {
        outageAfterMs: settings.OUTAGE_AFTER_MS,
        graceMs: settings.OUTAGE_GRACE_MS,
        connectionGraceMs: settings.CONNECTION_GRACE_MS,
        mediaGraceMs: callLimits.mediaSetupSeconds.default * 1000,
      },
    });
    const work = async () => {
      const wait = await this.#sweep.look();
      return wait === null ? null : wait + Math.random() * jitterMs;
    };
    this.#loop = new DueRows({ name: 'looking for call deadlines', work, onError: report });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#loop.stop();
    await this.#sweep.stop();
    await this.#database.close();
  }
}
