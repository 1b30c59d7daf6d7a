import type { EventLog } from '../log/event-log.js';

/** Where a group begins in one partition. */
export interface Beginning {
  topic: string;
  partition: number;
  offset: string;
}

/** Offsets by topic and partition. */
export type Beginnings = Map<string, Map<number, string>>;

/** @returns where the topics end now, for the partitions of which this group never committed anything. */
export async function endsOfUncommitted(log: EventLog, group: string, topics: string[]): Promise<Beginnings> {
  const brokers = log.questions();
  try {
    const beginnings: Beginnings = new Map();
    for (const { topic, partitions } of await brokers.ask((admin) => admin.fetchOffsets({ groupId: group, topics }))) {
      const unknown = new Set(partitions.filter(({ offset }) => offset === '-1').map(({ partition }) => partition));
      const ends = (await brokers.ends(topic)).filter(({ partition }) => unknown.has(partition));
      beginnings.set(topic, new Map(ends.map(({ partition, high }) => [partition, String(high)])));
    }
    return beginnings;
  } finally {
    await brokers.stop();
  }
}

/** Takes out what concerns the partitions this member was given: each is begun once. */
export function takeBeginnings(beginnings: Beginnings, assignment: Record<string, number[]>): Beginning[] {
  return Object.entries(assignment).flatMap(([topic, partitions]) =>
    partitions.flatMap((partition) => {
      const offset = beginnings.get(topic)?.get(partition);
      beginnings.get(topic)?.delete(partition);
      return offset === undefined ? [] : [{ topic, partition, offset }];
    }),
  );
}
