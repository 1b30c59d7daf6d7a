import { services } from '@communication-center/contracts/services';
import { EventLog, EventLogServer, type NeverGiven, OutboxRelay, Reconciler, type Repair, type Sql } from '@communication-center/event-log';
import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type Type,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import type { Logger } from 'pino';
import { ActsOnRecord } from './acts-on-record.js';
import { repairFrom } from './call-repair.js';
import { Postgres } from './database/postgres.js';
import { eventLogOf } from './event-log-of.js';
import { HealthController } from './health.controller.js';
import { Identity } from './identity.js';
import { comparisonAlarms, logAlarms } from './log-alarms.js';
import { tellConsumers, tellRelay, tellRequests } from './log-figures.js';
import { Log } from './log-token.js';
import { OperationsController } from './operations.controller.js';
import { outboxAlarms, tellOutbox } from './outbox-figures.js';
import { Replicas } from './replicas.js';
import type { KeyRing } from './secrets/key-ring.js';
import { Resealing, type SealedColumn } from './secrets/resealing.js';
import { SecretsController } from './secrets/secrets.controller.js';
import { ServiceClient } from './service-client.js';
import { type CommonSettings, Settings } from './settings.js';
import { IdentityGuard } from './subject.js';
import { tracedEvents } from './traced-events.js';

/** Reports a failure that its place of origin deals with by itself. */
export type ReportError = (error: unknown, doing: string) => void;
/** Injection token of a {@link ReportError}. */
export const Report = Symbol('Report');

/** The table of a service that keeps the events of a topic for ever. */
export interface EventStore {
  /** Makes what reads the events that the topic lacks of a subject. */
  repairIn: (database: Sql) => Repair;
  neverGiven: NeverGiven;
}

@Module({})
export class ServiceModule implements OnApplicationBootstrap, OnModuleDestroy, OnApplicationShutdown {
  constructor(
    private readonly relay: OutboxRelay,
    private readonly server: EventLogServer,
    private readonly database: Postgres,
    @Inject(Log) private readonly logger: Logger,
  ) {}

  /**
   * @param store of `calls.events`, in the service that keeps it; others ask that service.
   * @param sealed what is kept sealed with the setting SECRETS_KEY.
   * @returns what every service has, and the service's own module.
   */
  static around(
    service: string,
    settings: CommonSettings,
    logger: Logger,
    { module, store, sealed = [] }: { module: Type; store?: EventStore | undefined; sealed?: readonly SealedColumn[] | undefined },
  ): DynamicModule {
    const report: ReportError = (error, doing) => logger.error({ err: error }, doing);
    const database = new Postgres({ schema: service, settings, onError: (error) => report(error, 'an idle database connection') });
    const log = eventLogOf(service, settings, (message, detail) => logger.warn({ kafka: detail }, message));
    const identity = new Identity(service, settings.IDENTITY_PRIVATE_JWK, settings.IDENTITY_PUBLIC_JWKS);
    const directory = settings.DIRECTORY_URL && new ServiceClient(identity, 'directory', new Replicas(settings.DIRECTORY_URL));
    const repair =
      store?.repairIn(database) ??
      (settings.CALLS_URL && repairFrom(new ServiceClient(identity, 'calls', new Replicas(settings.CALLS_URL))));
    const server = new EventLogServer({
      service,
      log,
      database: database.of('consumers'),
      rebuildOn: database.of('jobs'),
      looksOn: database.background,
      around: (work) => database.during('consumers', work),
      tracing: tracedEvents(logger),
      onError: report,
      sessionTimeoutMs: settings.KAFKA_SESSION_MS,
      aloneFailsForMs: settings.PARK_AFTER_MS,
      ...logAlarms(report),
      ...(repair && { gaps: { topic: 'calls.events', repair: (...gap) => database.during('consumers', () => repair(...gap)) } }),
    });
    const reconciler = new Reconciler({
      log,
      database: database.background,
      ...(store && { fromStore: store.repairIn(database.background), neverGiven: store.neverGiven }),
      ...comparisonAlarms(report),
    });
    const relay = new OutboxRelay({
      log,
      database: database.of('relay'),
      reconciler,
      onError: report,
      // Those that the registry does not know, as in tests, may write.
      isNeeded: services.find(({ name }) => name === service)?.writes.length !== 0,
      ...outboxAlarms(report),
    });
    tellOutbox(database.of('reads'));
    tellConsumers(server);
    tellRelay(relay);
    tellRequests();
    const providers = [
      { provide: Settings, useValue: settings },
      { provide: Log, useValue: logger },
      { provide: Report, useValue: report },
      { provide: Postgres, useValue: database },
      { provide: EventLog, useValue: log },
      { provide: EventLogServer, useValue: server },
      { provide: OutboxRelay, useValue: relay },
      { provide: Identity, useValue: identity },
      { provide: ActsOnRecord, useValue: new ActsOnRecord(directory) },
      { provide: Resealing, useValue: new Resealing(database.of('jobs'), (settings as { SECRETS_KEY?: KeyRing }).SECRETS_KEY, sealed) },
    ];
    return {
      module: ServiceModule,
      global: true,
      imports: [TerminusModule.forRoot({ logger: false }), module],
      controllers: [HealthController, OperationsController, SecretsController],
      providers: [...providers, { provide: APP_GUARD, useClass: IdentityGuard }],
      exports: providers.map(({ provide }) => provide),
    };
  }

  onApplicationBootstrap(): void {
    this.relay.start();
  }

  /** Consumers stop before anything else does: what others wait for on their way down would only keep events from their next owner. */
  async onModuleDestroy(): Promise<void> {
    await Promise.all([this.server.close(), this.relay.compareNoMore()]);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.relay.stop();
    await this.database.close();
    this.logger.info('stopped');
  }
}
