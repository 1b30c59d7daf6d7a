import { EventLog, type EventLogOptions } from './log/event-log.js';

/**
 * Command: makes the topics that are missing. Settings as the services': KAFKA_BROKERS, KAFKA_SSL, KAFKA_SASL_MECHANISM,
 * KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD, KAFKA_REPLICATION, KAFKA_PARTITIONS.
 */
const { env } = process;
const log = new EventLog({
  clientId: 'create-topics',
  brokers: (env.KAFKA_BROKERS ?? '').split(',').map((broker) => broker.trim()),
  ssl: env.KAFKA_SSL === 'true',
  replicationFactor: Number(env.KAFKA_REPLICATION ?? 3),
  partitions: Number(env.KAFKA_PARTITIONS ?? 48),
  ...(env.KAFKA_SASL_MECHANISM && {
    sasl: {
      mechanism: env.KAFKA_SASL_MECHANISM as NonNullable<EventLogOptions['sasl']>['mechanism'],
      username: env.KAFKA_SASL_USERNAME ?? '',
      password: env.KAFKA_SASL_PASSWORD ?? '',
    },
  }),
});
await log.createTopics();
// Who consumes first need not wait for it then.
await log.untilGroupsAreLookedAfter();
