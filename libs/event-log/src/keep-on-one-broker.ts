import { setTimeout as sleep } from 'node:timers/promises';
import { brokerSettingsIn, brokersOf } from './log/broker-settings.js';
import { EventLog } from './log/event-log.js';

/**
 * Command: has the broker whose `node.id` is 1 alone keep and lead all that is in the log, without further copies, as where there are no
 * others; those that there are stay as controllers. Tests do so once none of them breaks a broker any more. Settings as the services'.
 */
const only = 1;
const log = new EventLog({ clientId: 'keep-on-one-broker', ...brokersOf(brokerSettingsIn(process.env)) });
const admin = log.admin();
await admin.connect();
const placed = async () => (await admin.fetchTopicMetadata()).topics;
await admin.alterPartitionReassignments({
  topics: (await placed()).map(({ name, partitions }) => ({
    topic: name,
    partitionAssignment: partitions.map(({ partitionId }) => ({ partition: partitionId, replicas: [only] })),
  })),
});
const isThere = async () =>
  (await placed()).every(({ partitions }) => partitions.every(({ leader, replicas }) => leader === only && replicas.length === 1));
const end = Date.now() + 30_000;
while (!(await isThere().catch(() => false))) {
  if (Date.now() > end) throw new Error(`Broker ${only} does not lead all after 30 s: is it up?`);
  await sleep(100);
}
await admin.disconnect();
