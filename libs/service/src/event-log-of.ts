import { EventLog } from '@communication-center/event-log';
import type { CommonSettings } from './settings.js';

/** Which settings tell how the brokers are reached. */
export type KafkaSettings = Pick<
  CommonSettings,
  | 'KAFKA_BROKERS'
  | 'KAFKA_SSL'
  | 'KAFKA_SASL_MECHANISM'
  | 'KAFKA_SASL_USERNAME'
  | 'KAFKA_SASL_PASSWORD'
  | 'KAFKA_REPLICATION'
  | 'KAFKA_PARTITIONS'
>;

/** @returns the log as a process reaches it by its settings. */
export function eventLogOf(
  clientId: string,
  settings: KafkaSettings,
  warn: (message: string, detail: Record<string, unknown>) => void,
): EventLog {
  return new EventLog({
    brokers: settings.KAFKA_BROKERS,
    clientId,
    ssl: settings.KAFKA_SSL,
    replicationFactor: settings.KAFKA_REPLICATION,
    partitions: settings.KAFKA_PARTITIONS,
    warn,
    ...(settings.KAFKA_SASL_MECHANISM && {
      sasl: {
        mechanism: settings.KAFKA_SASL_MECHANISM,
        username: settings.KAFKA_SASL_USERNAME ?? '',
        password: settings.KAFKA_SASL_PASSWORD ?? '',
      },
    }),
  });
}
