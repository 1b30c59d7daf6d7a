import { accessSync, constants } from 'node:fs';
import { saslMechanisms } from '@communication-center/event-log';
import { z } from 'zod';

/** What is said of a setting that names a file; certificates are read at each start. */
const cannotBeRead = 'names a file that cannot be read';

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Makes a setting that names a file, which must be there. */
const fileSetting = () => z.string().refine(isReadable, cannotBeRead).optional();

const tlsSettings = <const Prefix extends string>(prefix: Prefix, servers: string) =>
  ({
    [`${prefix}_CA_FILE`]: fileSetting().describe(
      `PEM file with the authorities that may have signed the certificates of ${servers}; those that Node knows unless told`,
    ),
    [`${prefix}_CERT_FILE`]: fileSetting().describe(`PEM file with the certificate that is shown to ${servers}, where it is asked for`),
    [`${prefix}_KEY_FILE`]: fileSetting().describe('PEM file with the key of that certificate'),
  }) as Record<`${Prefix}_${'CA' | 'CERT' | 'KEY'}_FILE`, ReturnType<typeof fileSetting>>;

/** How the brokers of Kafka are reached. */
export const kafkaSettings = {
  KAFKA_BROKERS: z
    .string()
    .min(1)
    .transform((text) => text.split(',').map((broker) => broker.trim()))
    .describe('host:port, separated by commas'),
  KAFKA_SSL: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .describe('whether brokers are reached over TLS; a certificate that does not match is refused'),
  ...tlsSettings('KAFKA', 'the brokers'),
  KAFKA_SASL_MECHANISM: z
    .enum(saslMechanisms)
    .optional()
    .describe('how to sign in at the brokers; without TLS `plain` shows the password to whoever reads along'),
  KAFKA_SASL_USERNAME: z.string().optional().describe('name to sign in with at the brokers'),
  KAFKA_SASL_PASSWORD: z.string().optional().meta({ secret: true }).describe('password to sign in with at the brokers'),
};

/** How Redis is reached, for services that need it. */
export const redisSettings = {
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .meta({ secret: true })
    .describe(
      'Redis that schedules retries; holds no truth. `rediss://user:password@host:6380` is TLS; a certificate that does not match is refused',
    ),
  ...tlsSettings('REDIS', 'Redis'),
};

const redisSchema = z.object(redisSettings);
export type RedisSettings = z.infer<typeof redisSchema>;

/** Modes in which a certificate is judged. libpq's two weaker ones are taken for the strict one, as pg 8 does. */
const judged = ['verify-full', 'verify-ca', 'require'];
/** Parameters of an address that name files. */
const fileParameters = ['sslrootcert', 'sslcert', 'sslkey'];

/** @returns what is wrong with how an address of PostgreSQL asks for TLS, in words that do not show it; undefined for nothing. */
function faultOfDatabaseTls(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { searchParams: asked } = new URL(address);
  const mode = asked.get('sslmode');
  // What encrypts for whoever answers keeps nothing from whoever gets between.
  if (mode !== null && mode !== 'disable' && !judged.includes(mode)) return 'sslmode must be verify-full, or disable';
  if (asked.has('ssl') || asked.has('uselibpqcompat')) return 'say sslmode=verify-full, and neither ssl nor uselibpqcompat';
  const named = fileParameters.filter((parameter) => asked.has(parameter));
  if (named.length > 0 && !judged.includes(mode ?? '')) return `${named.join(', ')} need sslmode=verify-full`;
  if (asked.has('sslcert') !== asked.has('sslkey')) return 'sslcert needs sslkey, and sslkey sslcert';
  const unread = named.filter((parameter) => !isReadable(asked.get(parameter) ?? ''));
  return unread.length > 0 ? `${unread.join(', ')}: ${cannotBeRead}` : undefined;
}

/** Makes a setting that is an address of PostgreSQL. */
export const databaseUrlSetting = () =>
  z
    .string()
    .min(1)
    .superRefine((address, context) => {
      const fault = faultOfDatabaseTls(address);
      if (fault) context.addIssue({ code: 'custom', message: fault });
    })
    // Without a word of a driver's own about which mode is which.
    .transform((address) => address.replace(/([?&]sslmode=)(?:require|verify-ca)(?=&|$)/, '$1verify-full'))
    .meta({ secret: true });
