import type { KafkaMessage } from 'kafkajs';
import { appIdIn } from '../log/event-headers.js';
import { keyOf } from './parked-message.js';
import { sequenceIn } from './read-messages.js';
import type { SeenKeys } from './seen-keys.js';

/**
 * Says which of some apps have events that a consumer handles now: those of others are passed over by a header, unread. All events of a key
 * are of one app.
 * @throws where that is not known now: then nothing is passed over, and all of it comes again.
 */
export type Heeds = (appIds: readonly string[]) => Promise<ReadonlySet<string>>;

/** @returns those that are heeded. One that does not say whose it is always is: what is at fault is to be found. */
export async function heededAmong(
  messages: readonly KafkaMessage[],
  heeds: Heeds,
  onPassedOver: (message: KafkaMessage) => void,
): Promise<readonly KafkaMessage[]> {
  const apps = messages.map(appIdIn);
  const heeded = await heeds([...new Set(apps.filter((one) => one !== undefined))]);
  return messages.filter((message, n) => {
    const app = apps[n];
    if (app === undefined || heeded.has(app)) return true;
    onPassedOver(message);
    return false;
  });
}

/** Of a key that was handled before, what is passed over is no gap; of others nothing is noted. */
export function notePassedOver(topic: string, message: KafkaMessage, seen: SeenKeys): void {
  if (seen.isEmpty) return;
  const key = keyOf(message);
  if (seen.has(topic, key)) seen.note(topic, key, sequenceIn(message));
}
