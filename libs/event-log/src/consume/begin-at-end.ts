import type { TopicPartitionOffset } from 'kafkajs';
import type { Database } from '../database.js';
import type { EventLog } from '../log/event-log.js';
import { endsOfUncommitted } from './beginnings.js';

/**
 * Commits where the topics end now, for a group that has consumed nothing yet: a reaction acts on what comes, not on the
 * past. Replicas that start at the same moment take turns, so that the group begins at one place whichever of them gets
 * which partition. A group that somebody consumes as already is left to him.
 */
export async function beginAtEnd(log: EventLog, database: Database, group: string, topics: readonly string[]): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`beginning of ${group}`]);
    const ends = await endsOfUncommitted(log, group, [...topics]);
    const offsets = [...ends].flatMap(([topic, ofTopic]) => [...ofTopic].map(([partition, offset]) => ({ topic, partition, offset })));
    if (offsets.length > 0 && (await isEmpty(log, group))) await commitAs(log, group, topics, offsets);
  });
}

async function isEmpty(log: EventLog, group: string): Promise<boolean> {
  const admin = log.kafka.admin();
  await admin.connect();
  try {
    const { groups } = await admin.describeGroups([group]);
    return groups.every(({ members }) => members.length === 0);
  } finally {
    await admin.disconnect();
  }
}

/** Commits as a member that consumes nothing: kafkajs' own way to do it waits five seconds for what it has paused. */
async function commitAs(log: EventLog, groupId: string, topics: readonly string[], offsets: TopicPartitionOffset[]): Promise<void> {
  const consumer = log.kafka.consumer({ groupId, maxWaitTimeInMs: 100, maxBytesPerPartition: 1 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async () => undefined });
    await consumer.commitOffsets(offsets);
  } finally {
    await consumer.disconnect();
  }
}
