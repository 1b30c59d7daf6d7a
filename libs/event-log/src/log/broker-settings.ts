import type { EventLogOptions } from './event-log.js';
import { readTlsFiles } from './tls-files.js';

/** Which ways of signing in at brokers there are. */
export const saslMechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

/** The settings that tell how the brokers are reached, as every service has them. */
export interface BrokerSettings {
  KAFKA_BROKERS: string[];
  KAFKA_SSL: boolean;
  KAFKA_CA_FILE?: string | undefined;
  KAFKA_CERT_FILE?: string | undefined;
  KAFKA_KEY_FILE?: string | undefined;
  KAFKA_SASL_MECHANISM?: (typeof saslMechanisms)[number] | undefined;
  KAFKA_SASL_USERNAME?: string | undefined;
  KAFKA_SASL_PASSWORD?: string | undefined;
  KAFKA_REPLICATION: number;
  KAFKA_PARTITIONS: number;
}

/**
 * @returns what a log is told of the brokers: everything that connects to them comes by here.
 * @throws Error that names the setting, where files cannot be read or settings contradict each other.
 */
export function brokersOf(
  settings: BrokerSettings,
): Pick<EventLogOptions, 'brokers' | 'ssl' | 'sasl' | 'replicationFactor' | 'partitions'> {
  const { KAFKA_CA_FILE: ca, KAFKA_CERT_FILE: cert, KAFKA_KEY_FILE: key } = settings;
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = settings;
  // Who names certificates means TLS: without it what is to be kept would be sent as it is.
  if (!settings.KAFKA_SSL && (ca || cert || key)) throw new Error('KAFKA_SSL: must be true where certificates are named for it');
  if (mechanism && !(username && password)) throw new Error('KAFKA_SASL_MECHANISM: needs KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD');
  return {
    brokers: settings.KAFKA_BROKERS,
    replicationFactor: settings.KAFKA_REPLICATION,
    partitions: settings.KAFKA_PARTITIONS,
    ...(settings.KAFKA_SSL && { ssl: readTlsFiles({ ca, cert, key }) }),
    ...(mechanism && username && password && { sasl: { mechanism, username, password } }),
  };
}

/**
 * Reads these settings for what is no service, such as commands.
 * @throws Error that names the setting that is missing or wrong.
 */
export function brokerSettingsIn(environment: Readonly<Record<string, string | undefined>>): BrokerSettings {
  const given = (name: string) => environment[name] || undefined;
  const wrong = (name: string, must: string) => new Error(`${name}: must be ${must}`);
  const count = (name: string, byDefault: number) => {
    const number = Number(given(name) ?? byDefault);
    if (!(Number.isInteger(number) && number > 0)) throw wrong(name, 'a whole number above 0');
    return number;
  };
  const brokers = given('KAFKA_BROKERS');
  if (!brokers) throw wrong('KAFKA_BROKERS', 'host:port, separated by commas');
  const ssl = given('KAFKA_SSL') ?? 'false';
  if (ssl !== 'true' && ssl !== 'false') throw wrong('KAFKA_SSL', 'true or false');
  const named = given('KAFKA_SASL_MECHANISM');
  const mechanism = saslMechanisms.find((one) => one === named);
  if (named && !mechanism) throw wrong('KAFKA_SASL_MECHANISM', saslMechanisms.join(', '));
  return {
    KAFKA_BROKERS: brokers.split(',').map((broker) => broker.trim()),
    KAFKA_SSL: ssl === 'true',
    KAFKA_CA_FILE: given('KAFKA_CA_FILE'),
    KAFKA_CERT_FILE: given('KAFKA_CERT_FILE'),
    KAFKA_KEY_FILE: given('KAFKA_KEY_FILE'),
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: given('KAFKA_SASL_USERNAME'),
    KAFKA_SASL_PASSWORD: given('KAFKA_SASL_PASSWORD'),
    KAFKA_REPLICATION: count('KAFKA_REPLICATION', 3),
    KAFKA_PARTITIONS: count('KAFKA_PARTITIONS', 48),
  };
}
