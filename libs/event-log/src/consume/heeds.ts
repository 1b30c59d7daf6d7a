import type { EventReader } from '@communication-center/contracts';
import type { KafkaMessage } from 'kafkajs';
import { appIdIn, kindIn } from '../log/event-headers.js';
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

/**
 * Says of some apps which types of events there is something to do for now.
 * @throws where that is not known now: then nothing is passed over, and all of it comes again.
 */
export type HeedsTypes = (appIds: readonly string[]) => Promise<(appId: string, type: string) => boolean>;

/** @returns what heeds the same types of every app. */
export function ofEveryApp(types: readonly string[]): HeedsTypes {
  const heeded = new Set(types);
  return async () => (_, type) => heeded.has(type);
}

interface OfTypes {
  topic: string;
  heeds: HeedsTypes;
  /** Says what this release knows: what only a newer one does is to be found. */
  reader: EventReader;
  seen: SeenKeys;
}

/**
 * @param messages of keys that are not parked.
 * @returns those that there is something to do for, and those before which something lacks, since that may be one of them. Of the others the
 * places are noted, so that they are no gaps.
 */
export async function heededOfTypes(
  messages: readonly KafkaMessage[],
  { topic, heeds, reader, seen }: OfTypes,
): Promise<readonly KafkaMessage[]> {
  const isHeeded = await heeds([...new Set(messages.map(appIdIn).filter((one) => one !== undefined))]);
  return messages.filter((message) => {
    const [app, kind] = [appIdIn(message), kindIn(message)];
    if (app === undefined || !kind || isHeeded(app, kind.type) || !reader.knows(topic, kind)) return true;
    const [key, sequence] = [keyOf(message), sequenceIn(message)];
    const last = seen.last(topic, key);
    if (last !== undefined && sequence > last + 1) return true;
    seen.note(topic, key, sequence);
    return false;
  });
}

/** Of a key that was handled before, what is passed over is no gap; of others nothing is noted. */
export function notePassedOver(topic: string, message: KafkaMessage, seen: SeenKeys): void {
  if (seen.isEmpty) return;
  const key = keyOf(message);
  if (seen.has(topic, key)) seen.note(topic, key, sequenceIn(message));
}
