import type { AnyEvent } from '@communication-center/contracts';
import type { KafkaMessage } from 'kafkajs';
import { fromMessage } from '../log/event-headers.js';
import { headerOf } from '../log/fetched-record.js';

/** The end of a key in a compacted topic: nothing before it counts any more. */
export interface Tombstone {
  topic: string;
  key: string;
  /** Whether an event of the key comes after it: one that began again, or a late one. */
  isFollowed: boolean;
}

/**
 * Reads messages of one partition.
 * @throws Error or ZodError when one is no CloudEvent.
 */
export function readMessages(topic: string, messages: readonly KafkaMessage[]): { events: AnyEvent[]; tombstones: Tombstone[] } {
  const events: AnyEvent[] = [];
  const ended = new Map<string, Tombstone>();
  for (const message of messages) {
    const event = fromMessage(message);
    const key = String(message.key);
    const tombstone = ended.get(key);
    if (!event) ended.set(key, { topic, key, isFollowed: false });
    else {
      events.push(event);
      if (tombstone) tombstone.isFollowed = true;
    }
  }
  return { events, tombstones: [...ended.values()] };
}

/** @returns the sequence a message's writer gave it; 0 for a tombstone. */
export function sequenceIn(message: KafkaMessage): number {
  return Number(headerOf(message, 'ce_sequence')) || 0;
}
