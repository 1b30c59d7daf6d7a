import { EventLog } from './log/event-log.js';

/** Command: makes the topics that are missing. Settings as the services': KAFKA_BROKERS, KAFKA_REPLICATION. */
const log = new EventLog({
  clientId: 'create-topics',
  brokers: (process.env.KAFKA_BROKERS ?? '').split(','),
  replicationFactor: Number(process.env.KAFKA_REPLICATION ?? 1),
});
await log.createTopics();
