import type { Database } from '../database.js';
import type { EventLog } from '../log/event-log.js';

/**
 * Commits where the topics end now, for a group that has consumed nothing yet: a reaction acts on what comes, not on the
 * past. Replicas that start at the same moment take turns, so that the group begins at one place whichever of them gets
 * which partition.
 */
export async function beginAtEnd(log: EventLog, database: Database, group: string, topics: readonly string[]): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`beginning of ${group}`]);
    const admin = log.kafka.admin();
    await admin.connect();
    try {
      for (const { topic, partitions } of await admin.fetchOffsets({ groupId: group, topics: [...topics] })) {
        const fresh = new Set(partitions.filter(({ offset }) => offset === '-1').map(({ partition }) => partition));
        if (fresh.size === 0) continue;
        const ends = await admin.fetchTopicOffsets(topic);
        const beginnings = ends.filter(({ partition }) => fresh.has(partition)).map(({ partition, high }) => ({ partition, offset: high }));
        await admin.setOffsets({ groupId: group, topic, partitions: beginnings });
      }
    } finally {
      await admin.disconnect();
    }
  });
}
