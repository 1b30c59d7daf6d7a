import { iceServersSchema } from '@communication-center/contracts';
import { z } from 'zod';
import { replicasSetting } from './replicas.js';
import { secretsIn } from './secrets/key-ring.js';
import { databaseUrlSetting, kafkaSettings } from './server-settings.js';
import { weaknessOf } from './weak-secrets.js';

/** Injection token of a service's settings. */
export const Settings = Symbol('Settings');

const flag = (byDefault: boolean) =>
  z
    .enum(['true', 'false'])
    .default(byDefault ? 'true' : 'false')
    .transform((text) => text === 'true');

/** Makes a boolean setting, written `true` or `false`. */
export const flagSetting = flag;

/** Makes a boolean setting that is for development only: {@link readSettings} refuses it elsewhere. */
export const developmentSetting = () => flag(false).meta({ developmentOnly: true });

/** Makes a whole-number setting within bounds. */
export function numberSetting(byDefault: number, { min = 0, max = Number.MAX_SAFE_INTEGER } = {}) {
  return z.coerce.number().int().min(min).max(max).default(byDefault);
}

const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'must be JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);

const jwk = z.looseObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), kid: z.string().min(1) });

/** A setting that is a JSON list of RTCIceServer. */
export const iceServersSetting = () => json(iceServersSchema).prefault('[]');

const poolSize = (byDefault: number) => numberSetting(byDefault, { min: 1, max: 200 });

const databaseSettings = {
  DATABASE_URL: databaseUrlSetting().describe(
    'PostgreSQL, directly or through a pooler; each service uses a schema of its own. `?sslmode=verify-full` is TLS, with `sslrootcert`, `sslcert` and `sslkey` for PEM files: a certificate that does not match is refused',
  ),
  DATABASE_DIRECT_URL: databaseUrlSetting()
    .optional()
    .meta({ secret: true })
    .describe('PostgreSQL without a pooler, for migrations and for connections that hold locks or listen; else DATABASE_URL'),
  DATABASE_POOLER: z
    .enum(['none', 'transaction'])
    .default('none')
    .describe('what DATABASE_URL goes through: `transaction` for a pooler in transaction mode, such as pgbouncer'),
  DATABASE_POOL: poolSize(8).describe('connections a replica keeps at most for commands'),
  DATABASE_READS_POOL: poolSize(4).describe('connections a replica keeps at most for GET requests'),
  DATABASE_LISTS_POOL: poolSize(2).describe('connections a replica keeps at most for lists and histories, which read the most'),
  DATABASE_CONSUMERS_POOL: poolSize(6).describe('connections a replica keeps at most for its consumers'),
  DATABASE_RELAY_POOL: poolSize(3).describe('connections a replica keeps at most for publishing events'),
  DATABASE_JOBS_POOL: poolSize(2).describe('connections a replica keeps at most for purges and rebuilds'),
};

const databaseSchema = z.object(databaseSettings);
export type DatabaseSettings = z.infer<typeof databaseSchema>;

/** The settings every service has. Each app spreads these into its own. */
export const commonSettings = {
  PROFILE: z
    .enum(['production', 'development'])
    .default('production')
    .describe(
      'where this runs: with `production` a service refuses to start with a switch that is for development only, or with a secret that is known or easily guessed',
    ),
  HOST: z.string().default('127.0.0.1').describe('address the HTTP server listens on'),
  PORT: numberSetting(0, { max: 65_535 }).describe('port the HTTP server listens on'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info').describe('least severe log line that is written'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url()
    .optional()
    .describe('collector of OpenTelemetry that is told spans by OTLP over HTTP, such as http://127.0.0.1:4318; without it no span is made'),
  ...databaseSettings,
  MIGRATE: flag(true).describe('whether the service brings its schema up to date when it starts'),
  ...kafkaSettings,
  KAFKA_REPLICATION: numberSetting(3, { min: 1, max: 9 }).describe(
    'copies of each partition of topics that are created; all but one must have an event before it counts as published',
  ),
  KAFKA_PARTITIONS: numberSetting(48, { min: 1, max: 1000 }).describe(
    'partitions of each topic that is created: counted once for good, since with another count a key lies in another partition',
  ),
  KAFKA_SESSION_MS: numberSetting(10_000, { min: 3000, max: 60_000 })
    .meta({ unit: 'ms' })
    .describe(
      'after so long a silent consumer loses its partitions; brokers refuse less than their group.min.session.timeout.ms, 6000 unless told',
    ),
  PARK_AFTER_MS: numberSetting(300_000, { min: 100 })
    .meta({ unit: 'ms' })
    .describe('an event that alone fails for so long, while others succeed, is parked though its fault is not clear'),
  STUCK_AFTER_MS: numberSetting(30_000, { min: 1000 })
    .meta({ unit: 'ms' })
    .describe(
      'a replica is taken out of service when a consumer of it has stopped, or an event has waited for it to be published, for so long while the brokers were well',
    ),
  CALLS_URL: replicasSetting()
    .optional()
    .describe('where the calls service answers, for readers of calls.events: what a topic lacks of a call is read there'),
  DIRECTORY_URL: replicasSetting()
    .optional()
    .describe(
      'where the directory service answers; its replicas, separated by commas: what operators have a service do is put on record there',
    ),
  IDENTITY_PRIVATE_JWK: json(jwk.extend({ d: z.string() }))
    .meta({ secret: true })
    .describe('Ed25519 key this service signs identity tokens with; its kid starts with the service name'),
  IDENTITY_PUBLIC_JWKS: json(z.object({ keys: z.array(jwk).min(1) })).describe('public keys of all services'),
  SHUTDOWN_MS: numberSetting(10_000, { min: 500 })
    .meta({ unit: 'ms' })
    .describe('time a stopping service has to finish what it has in hand'),
};

const commonSchema = z.object(commonSettings);
export type CommonSettings = z.infer<typeof commonSchema>;

/**
 * Reads a service's settings from the environment.
 * @throws Error that lists every missing, wrong or forbidden variable at once, without the values.
 */
export function readSettings<S extends z.ZodType>(schema: S, environment: NodeJS.ProcessEnv): z.infer<S> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  const faults = parsed.success
    ? forbiddenIn(schema, parsed.data as Record<string, unknown>, given)
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  if (parsed.success && faults.length === 0) return parsed.data;
  throw new Error(`Settings are missing or wrong:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
}

/** @returns what may be so in development alone, where the profile is another: switches that are on, and secrets that keep nothing. */
function forbiddenIn(schema: z.ZodType, settings: Record<string, unknown>, given: NodeJS.ProcessEnv): string[] {
  if (!(schema instanceof z.ZodObject) || settings.PROFILE === 'development') return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([name, field]) => {
    const { developmentOnly, secret, isList } = field.meta() ?? {};
    if (developmentOnly === true && settings[name] === true)
      return [`${name}: is for development; leave it out, or set PROFILE=development`];
    const text = secret === true ? given[name] : undefined;
    // A part of a list may have a name before it, which is not what makes it good.
    const secrets = text === undefined ? [] : isList === true ? secretsIn(text).map(({ secret: one }) => one) : [text];
    const weakness = secrets.map(weaknessOf).find((found) => found !== undefined);
    return weakness ? [`${name}: ${weakness}; make another, or set PROFILE=development`] : [];
  });
}
