import { randomUUID } from 'node:crypto';
import type { KafkaMessage } from 'kafkajs';
import { InfrastructureError } from '../failures.js';
import type { EventLog } from './event-log.js';

export interface ReadMessage {
  partition: number;
  message: KafkaMessage;
}

interface Range {
  next: bigint;
  end: bigint;
}

/**
 * Reads a topic from given offsets (or its beginning) to where it ends at the time of the call, in order within each
 * partition, and leaves no trace in any group.
 * @param onMessages gets one partition's messages at a time; what it throws stops the read and is thrown on.
 * @throws InfrastructureError when the brokers deliver nothing for `stallMs` before the end is reached.
 */
export async function readRange(
  log: EventLog,
  topic: string,
  { from = {}, stallMs = 30_000 }: { from?: Record<number, string>; stallMs?: number },
  onMessages: (messages: ReadMessage[]) => Promise<void>,
): Promise<void> {
  const brokers = log.questions();
  const groupId = `${log.clientId}.read.${randomUUID()}`;
  const consumer = log.kafka.consumer({ groupId, sessionTimeout: 30_000, maxWaitTimeInMs: 100, retry: { retries: 5 } });
  try {
    const ranges = new Map<number, Range>();
    for (const { partition, low, high } of await brokers.ends(topic)) {
      const start = BigInt(from[partition] ?? low);
      const next = start < low ? low : start;
      if (next < high) ranges.set(partition, { next, end: high });
    }
    if (ranges.size === 0) return;
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    consumer.on('consumer.group_join', () => {
      for (const [partition, { next }] of ranges) consumer.seek({ topic, partition, offset: String(next) });
    });
    await new Promise<void>((resolve, reject) => {
      let deadline = Date.now() + stallMs;
      const watch = setInterval(() => {
        if (Date.now() > deadline) settle(new InfrastructureError(`reading ${topic} stalled before its end`));
      }, 500);
      const settle = (error?: unknown) => {
        clearInterval(watch);
        if (error === undefined) resolve();
        else reject(error);
      };
      consumer.on('consumer.crash', ({ payload }) => settle(new InfrastructureError(payload.error.message, { cause: payload.error })));
      consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch, heartbeat }) => {
            deadline = Date.now() + stallMs;
            const range = ranges.get(batch.partition);
            if (!range) return;
            const wanted = batch.messages.filter(({ offset }) => BigInt(offset) >= range.next && BigInt(offset) < range.end);
            try {
              if (wanted.length > 0) await onMessages(wanted.map((message) => ({ partition: batch.partition, message })));
            } catch (error) {
              settle(error);
              return;
            }
            range.next = BigInt(batch.lastOffset()) + 1n;
            if (range.next >= range.end) ranges.delete(batch.partition);
            if (ranges.size === 0) settle();
            await heartbeat().catch(() => undefined);
          },
        })
        .catch(settle);
    });
  } finally {
    await consumer.disconnect().catch(() => undefined);
    await brokers.deleteGroup(groupId);
    await brokers.stop();
  }
}
