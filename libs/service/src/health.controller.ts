import { BrokerWatch, EventLog, EventLogServer, OutboxRelay, oldestUnpublishedAge } from '@communication-center/event-log';
import { type BeforeApplicationShutdown, Controller, Get, Header, Inject } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthIndicatorFunction, HealthIndicatorService } from '@nestjs/terminus';
import { register } from 'prom-client';
import { Postgres } from './database/postgres.js';
import { readOutbox } from './outbox-figures.js';
import { faultsOf } from './readiness.js';
import { type CommonSettings, Settings } from './settings.js';
import { OpenToAll } from './subject.js';

/** What an orchestrator asks: is the process alive, can it serve, and its figures for Prometheus. */
@OpenToAll()
@Controller()
export class HealthController implements BeforeApplicationShutdown {
  readonly #brokers: BrokerWatch;

  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly database: Postgres,
    private readonly server: EventLogServer,
    private readonly relay: OutboxRelay,
    log: EventLog,
    @Inject(Settings) private readonly settings: Pick<CommonSettings, 'STUCK_AFTER_MS'>,
  ) {
    this.#brokers = new BrokerWatch(log);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#brokers.stop();
  }

  @Get('health/live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @HealthCheck()
  ready() {
    return this.health.check([this.#database, this.#log, this.#outbox]);
  }

  @Get('metrics')
  @Header('content-type', register.contentType)
  metrics(): Promise<string> {
    return register.metrics();
  }

  readonly #database: HealthIndicatorFunction = async () => {
    const check = this.indicators.check('database');
    return this.database.query('SELECT 1').then(
      () => check.up(),
      () => check.down('no answer'),
    );
  };

  readonly #log: HealthIndicatorFunction = async () => {
    const { shards, unprovenMs } = this.relay.figures;
    const { stopped, waiting, relay } = faultsOf(
      {
        consumers: this.server.health(),
        relay: { unprovenMs },
        // A database that does not answer is told of by itself.
        waitedMs: await oldestUnpublishedAge(this.database, shards).catch(() => 0),
        brokersWellForMs: () => this.#brokers.wellForMs(),
      },
      this.settings.STUCK_AFTER_MS,
    );
    const [consumers, published] = [this.indicators.check('consumers'), this.indicators.check('relay')];
    return {
      ...(stopped.length === 0 ? consumers.up(waiting.length > 0 ? { waiting } : {}) : consumers.down(stopped.join(', '))),
      ...(relay ? published.down(relay) : published.up({ shards: shards.size })),
    };
  };

  /**
   * Tells how long events have waited for the log. That takes no replica out of service: all have the same outbox, and calls
   * must be answered and hung up while the log is away.
   */
  readonly #outbox: HealthIndicatorFunction = async () => {
    const check = this.indicators.check('outbox');
    return readOutbox(this.database).then(
      ({ oldestMs, rows }) => check.up({ oldestMs: Math.round(oldestMs), rows }),
      () => check.up({ oldestMs: null, rows: null }),
    );
  };
}
