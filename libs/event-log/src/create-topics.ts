import { brokerSettingsIn, brokersOf } from './log/broker-settings.js';
import { EventLog } from './log/event-log.js';

/**
 * Command: makes the topics that are missing, and tells what those that exist keep otherwise than they should. Settings as the
 * services': KAFKA_* of docs/settings.md.
 */
const log = new EventLog({ clientId: 'create-topics', ...brokersOf(brokerSettingsIn(process.env)) });
await log.createTopics();
for (const { topic, name, value, wanted } of await log.otherwiseKept())
  console.warn(`${topic}: ${name} is ${value}, and should be ${wanted}: see docs/operations.md, Kafka`);
// Who consumes first need not wait for it then.
await log.untilGroupsAreLookedAfter();
