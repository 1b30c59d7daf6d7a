import 'reflect-metadata';
import { flushCompileCache } from 'node:module';
import { EventLogServer } from '@communication-center/event-log';
import type { LoggerService, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Logger, pino } from 'pino';
import { collectDefaultMetrics, register } from 'prom-client';
import type { z } from 'zod';
import { readBoundedJson } from './arrivals/read-json.js';
import { requireTarget } from './arrivals/request-target.js';
import { endWith, isMigrating, migrateApart } from './database/migrate-apart.js';
import type { Migration } from './database/migrations.js';
import { Postgres } from './database/postgres.js';
import { gatheredLines } from './gathered-lines.js';
import { keepingSecrets, secretsOfSettings } from './keep-secrets.js';
import { ProblemFilter } from './problem-filter.js';
import type { SealedColumn } from './secrets/resealing.js';
import { type EventStore, ServiceModule } from './service.module.js';
import { type CommonSettings, readSettings } from './settings.js';
import { exportSpans, stopExport } from './spans.js';
import { traceFields } from './trace.js';
import { traceRequests } from './trace-requests.js';

/** A body that a service reads whole. */
const mostBodyBytes = 262_144;

export interface ServiceOptions {
  name: string;
  module: Type;
  settings: z.ZodType<CommonSettings>;
  migrations: Migration[];
  /** Where the service keeps a topic's events itself. */
  store?: EventStore;
  /** What the service keeps sealed with its SECRETS_KEY. */
  sealed?: readonly SealedColumn[];
  /** Routes, as Fastify writes them, whose bodies are forms. */
  forms?: readonly string[];
  /** Called with the application before it listens, for doors that Nest has no word for. */
  prepare?: (app: NestFastifyApplication) => Promise<void> | void;
}

/** Runs a service until it is told to stop. Exits with 1 and a log line when it cannot start. */
export async function runService(options: ServiceOptions): Promise<void> {
  if (isMigrating())
    return endWith(
      () => migrateHere(options),
      (error) => loggerOf(options).fatal({ err: error }, 'cannot migrate'),
    );
  try {
    await start(options);
  } catch (error) {
    // Settings may be what is wrong, so this cannot use the configured logger.
    loggerOf(options).fatal({ err: error }, 'cannot start');
    process.exit(1);
  }
}

async function start(options: ServiceOptions): Promise<void> {
  const { name, module, settings: schema, migrations, store, sealed, forms, prepare } = options;
  const settings = readSettings(schema, process.env);
  const logger = loggerOf(options, settings);
  if (settings.OTEL_EXPORTER_OTLP_ENDPOINT) {
    await exportSpans(name, settings.OTEL_EXPORTER_OTLP_ENDPOINT, (error) => logger.warn({ err: error }, 'the collector took no spans'));
  }
  register.setDefaultLabels({ service: name });
  // With 10 ms, as it is by itself, watching the event loop costs an idle service more than all else it does.
  collectDefaultMetrics({ eventLoopMonitoringPrecision: 100 });
  if (settings.MIGRATE)
    await migrateApart({ settings, schema: name, migrations, warn: (message) => logger.warn(message) }, String(process.argv[1]));

  const app = await NestFactory.create<NestFastifyApplication>(
    ServiceModule.around(name, settings, logger, { module, store, sealed }),
    new FastifyAdapter({ bodyLimit: mostBodyBytes, forceCloseConnections: 'idle', routerOptions: { maxParamLength: 2048 } }),
    { logger: nestLogger(logger), abortOnError: false },
  );
  app.useGlobalFilters(new ProblemFilter(logger));
  readBoundedJson(app, forms);
  const database = app.get(Postgres);
  traceRequests(app.getHttpAdapter().getInstance(), logger, ({ method, url }, next) => {
    database.during(method === 'GET' && !url.startsWith('/health/') ? 'reads' : 'commands', next);
  });
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', async ({ raw }) => requireTarget(raw.url ?? ''));
  app.connectMicroservice({ strategy: app.get(EventLogServer) });
  await prepare?.(app);
  await app.startAllMicroservices();
  await app.listen(settings.PORT, settings.HOST);
  stopOnSignal(app, settings.SHUTDOWN_MS, logger);
  logger.info({ url: await app.getUrl() }, 'ready');
  // Its successor starts faster for it, also that of one that is killed.
  flushCompileCache();
}

/** What the process does that only migrates. */
async function migrateHere(options: ServiceOptions): Promise<void> {
  const { name, settings: schema, migrations } = options;
  const { migrate } = await import('./database/migrate.js');
  const settings = readSettings(schema, process.env);
  const logger = loggerOf(options, settings);
  await migrate({ settings, schema: name, migrations, warn: (message) => logger.warn(message) });
}

/** @returns what writes this process's lines, without the secrets that it was given. */
function loggerOf({ name, settings: schema }: ServiceOptions, { LOG_LEVEL: level = 'info' }: Partial<CommonSettings> = {}): Logger {
  const streamWrite = keepingSecrets(secretsOfSettings(schema, process.env));
  return pino({ name, level, redact: ['req.headers.authorization'], mixin: traceFields, hooks: { streamWrite } }, gatheredLines());
}

/** Nest's own lines go through pino; its start-up chatter only at debug level. */
function nestLogger(logger: Logger): LoggerService {
  return {
    log: (message: unknown) => logger.debug(String(message)),
    warn: (message: unknown) => logger.warn(String(message)),
    error: (message: unknown, ...more: unknown[]) => logger.error({ more }, String(message)),
  };
}

function stopOnSignal(app: NestFastifyApplication, limitMs: number, logger: Logger): void {
  const stop = (signal: string) => {
    logger.info({ signal }, 'stopping');
    setTimeout(() => {
      logger.error('stopping took too long');
      process.exit(1);
    }, limitMs).unref();
    const closed = app.close().then(stopExport);
    closed.then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'stopping failed');
        process.exit(1);
      },
    );
  };
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
}
