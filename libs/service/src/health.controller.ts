import { EventLogServer } from '@communication-center/event-log';
import { Controller, Get, Header } from '@nestjs/common';
import { HealthCheck, HealthCheckService, type HealthIndicatorFunction, HealthIndicatorService } from '@nestjs/terminus';
import { register } from 'prom-client';
import { Postgres } from './database/postgres.js';
import { readOutbox } from './outbox-figures.js';
import { OpenToAll } from './subject.js';

/** What an orchestrator asks: is the process alive, can it serve, and its figures for Prometheus. */
@OpenToAll()
@Controller()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly database: Postgres,
    private readonly server: EventLogServer,
  ) {}

  @Get('health/live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @HealthCheck()
  ready() {
    return this.health.check([this.#database, this.#consumers, this.#outbox]);
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

  readonly #consumers: HealthIndicatorFunction = () => {
    const check = this.indicators.check('consumers');
    const stopped = this.server.states().filter(({ state }) => state === 'stopped' || state === 'starting');
    return stopped.length === 0 ? check.up() : check.down(stopped.map(({ group }) => group).join(', '));
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
