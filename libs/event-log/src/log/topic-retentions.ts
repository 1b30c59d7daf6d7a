import type { topics } from '@communication-center/contracts';

/** One setting of a topic. */
export interface ConfigEntry {
  name: string;
  value: string;
}

const day = 86_400_000;
const hour = 3_600_000;

/** What a topic of each kind keeps, and for how long; docs/operations.md tells it. */
export const retentions: Readonly<Record<(typeof topics)[keyof typeof topics]['retention'], readonly ConfigEntry[]>> = {
  lasting: [
    { name: 'cleanup.policy', value: 'delete' },
    { name: 'retention.ms', value: '-1' },
    { name: 'retention.bytes', value: '-1' },
  ],
  compacted: [
    { name: 'cleanup.policy', value: 'compact' },
    { name: 'delete.retention.ms', value: String(7 * day) },
    // What a tombstone erases is gone from the disks within a day or so, however little is written.
    { name: 'max.compaction.lag.ms', value: String(day) },
  ],
  passing: [
    { name: 'cleanup.policy', value: 'delete' },
    { name: 'retention.ms', value: String(7 * day) },
  ],
  fleeting: [
    { name: 'cleanup.policy', value: 'delete' },
    { name: 'retention.ms', value: String(hour) },
    // Only whole segments go: one is closed after an hour as well.
    { name: 'segment.ms', value: String(hour) },
  ],
};
