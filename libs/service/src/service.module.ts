import { EventLog, EventLogServer, OutboxRelay } from '@communication-center/event-log';
import { type DynamicModule, Inject, Module, type OnApplicationBootstrap, type OnApplicationShutdown, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import type { Logger } from 'pino';
import { HealthController } from './health.controller.js';
import { Identity } from './identity.js';
import { OperationsController } from './operations.controller.js';
import { Postgres } from './postgres.js';
import { type CommonSettings, Settings } from './settings.js';
import { IdentityGuard } from './subject.js';

/** Injection token of the process's logger. */
export const Log = Symbol('Log');

/** Reports a failure that its place of origin deals with by itself. */
export type ReportError = (error: unknown, doing: string) => void;
/** Injection token of a {@link ReportError}. */
export const Report = Symbol('Report');

@Module({})
export class ServiceModule implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly relay: OutboxRelay,
    private readonly database: Postgres,
    @Inject(Log) private readonly logger: Logger,
  ) {}

  /** @returns what every service has, and the service's own module. */
  static around(service: string, settings: CommonSettings, logger: Logger, module: Type): DynamicModule {
    const report: ReportError = (error, doing) => logger.error({ err: error }, doing);
    const database = new Postgres(settings.DATABASE_URL, service, {
      pool: settings.DATABASE_POOL,
      onError: (error) => report(error, 'an idle database connection'),
    });
    const log = new EventLog({
      brokers: settings.KAFKA_BROKERS,
      clientId: service,
      ssl: settings.KAFKA_SSL,
      replicationFactor: settings.KAFKA_REPLICATION,
      warn: (message, detail) => logger.warn({ kafka: detail }, message),
      ...(settings.KAFKA_SASL_MECHANISM && {
        sasl: {
          mechanism: settings.KAFKA_SASL_MECHANISM,
          username: settings.KAFKA_SASL_USERNAME ?? '',
          password: settings.KAFKA_SASL_PASSWORD ?? '',
        },
      }),
    });
    const server = new EventLogServer({ service, log, database, onError: report, sessionTimeoutMs: settings.KAFKA_SESSION_MS });
    const providers = [
      { provide: Settings, useValue: settings },
      { provide: Log, useValue: logger },
      { provide: Report, useValue: report },
      { provide: Postgres, useValue: database },
      { provide: EventLog, useValue: log },
      { provide: EventLogServer, useValue: server },
      { provide: OutboxRelay, useValue: new OutboxRelay({ log, database, onError: report }) },
      { provide: Identity, useValue: new Identity(service, settings.IDENTITY_PRIVATE_JWK, settings.IDENTITY_PUBLIC_JWKS) },
    ];
    return {
      module: ServiceModule,
      global: true,
      imports: [TerminusModule.forRoot({ logger: false }), module],
      controllers: [HealthController, OperationsController],
      providers: [...providers, { provide: APP_GUARD, useClass: IdentityGuard }],
      exports: providers.map(({ provide }) => provide),
    };
  }

  onApplicationBootstrap(): void {
    this.relay.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.relay.stop();
    await this.database.close();
    this.logger.info('stopped');
  }
}
