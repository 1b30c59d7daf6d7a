import { type AnyEvent, type EventReader, NewerEventError, thisRelease } from '@communication-center/contracts';
import type { KafkaMessage } from 'kafkajs';
import { type Fault, faultOf } from '../failures.js';
import { type DeadLetters, type ParkedFor, type ParkedKind, reasonOf } from './dead-letters.js';
import type { Gaps } from './gaps.js';
import { type Heeds, type HeedsTypes, heededAmong, heededOfTypes, notePassedOver } from './heeds.js';
import { ParkedKeys } from './parked-keys.js';
import { keyOf } from './parked-message.js';
import { readMessages, sequenceIn, type Tombstone } from './read-messages.js';
import { SeenKeys } from './seen-keys.js';
import { type TraceWork, toldOf, type WorkOnEvents } from './trace-work.js';

/** Events of one topic, those of a key in order, in the newest version of their data. */
export interface EventBatch {
  topic: string;
  events: readonly AnyEvent[];
  /** Keys that ended among these events. */
  tombstones: readonly Tombstone[];
}

export interface MessageHandlerOptions {
  group: string;
  deadLetters: DeadLetters;
  /** Applies a batch. A repeat must find nothing to do. What it throws is judged by {@link faultOf}. */
  handle: (batch: EventBatch) => Promise<void>;
  /** Runs work on events so that what comes of it can be told from other work. */
  tracing?: TraceWork | undefined;
  onError: (error: unknown, doing: string) => void;
  onParked?: ((kind: ParkedKind) => void) | undefined;
  gaps?: Gaps | undefined;
  /** Which apps' events are handled: all when left out. */
  heeds?: Heeds | undefined;
  /** Which types of events are handled: all when left out. */
  heedsTypes?: HeedsTypes | undefined;
  /** How events are read: as this release does unless told. */
  reader?: EventReader | undefined;
  /** How often a single event that is at fault is tried before its key is parked. */
  triesBeforeParking?: number | undefined;
  /** After so long an event that alone fails, while others succeed, is parked though its fault is not clear. */
  aloneFailsForMs?: number | undefined;
  /** So many parked keys are known without asking. */
  mostParkedKept?: number | undefined;
}

/** Handles messages in order within a key, and parks the keys of those that cannot be. */
export class MessageHandler {
  readonly #options: MessageHandlerOptions;
  /** Since when a message fails for reasons that are not clear, by topic, key and offset. */
  readonly #failingSince = new Map<string, number>();
  #lastSuccess = 0;
  readonly #parked: ParkedKeys;

  constructor(options: MessageHandlerOptions) {
    this.#options = options;
    const { deadLetters, group, mostParkedKept } = options;
    this.#parked = new ParkedKeys({ deadLetters, group, ...(mostParkedKept !== undefined && { max: mostParkedKept }) });
  }

  /** To be called once partitions were given: others may have parked keys of theirs. */
  assigned(): void {
    this.#parked.assigned();
  }

  /**
   * Handles messages of one topic in one go.
   * @throws whatever one of them is at fault of: nothing of them counts as handled.
   */
  async handleTogether(topic: string, messages: readonly KafkaMessage[], seen: SeenKeys): Promise<void> {
    const free = await this.#toHandle(topic, messages, seen);
    if (free.length > 0) await this.#hand(topic, free, seen);
  }

  /**
   * Handles messages of one topic together; when that fails by the fault of one, one by one, to park only the culprit's key.
   * @throws where the fault is not of a message: nothing may be committed, and all of them come again.
   */
  async handle(topic: string, messages: readonly KafkaMessage[], seen: SeenKeys): Promise<void> {
    const free = await this.#toHandle(topic, messages, seen);
    if (free.length === 0) return;
    try {
      await this.#hand(topic, free, seen);
    } catch (error) {
      if (judge(error) === 'infrastructure') throw error;
      await this.#oneByOne(topic, free, seen);
    }
  }

  /** Reports a failure of what was to be handled together, as a part of its traces. */
  async report(topic: string, messages: readonly KafkaMessage[], error: unknown, doing: string): Promise<void> {
    await this.#traced('telling', topic, messages, async () => this.#options.onError(error, doing));
  }

  /** Handles one message of a parked key anew. */
  async handleParked(topic: string, message: KafkaMessage): Promise<void> {
    await this.#hand(topic, [message], new SeenKeys());
  }

  /** @returns why a key is to be parked for what it threw; undefined where it is not its fault. */
  static parkedFor(error: unknown): ParkedFor | undefined {
    if (judge(error) === 'infrastructure') return undefined;
    if (!(error instanceof NewerEventError)) return { kind: 'fault', reason: reasonOf(error) };
    return { kind: 'newer', reason: error.message, newer: { type: error.type, dataversion: error.dataversion } };
  }

  /** @returns the messages that somebody heeds and whose keys are not parked. */
  async #toHandle(topic: string, messages: readonly KafkaMessage[], seen: SeenKeys): Promise<readonly KafkaMessage[]> {
    const { heeds, heedsTypes, reader = thisRelease } = this.#options;
    const heeded = heeds ? await heededAmong(messages, heeds, (message) => notePassedOver(topic, message, seen)) : messages;
    const free = heeded.length > 0 ? await this.#putBehindParked(topic, heeded, seen) : [];
    return heedsTypes && free.length > 0 ? heededOfTypes(free, { topic, heeds: heedsTypes, reader, seen }) : free;
  }

  /** @returns the messages whose keys are not parked. Asks only where one may be. */
  async #putBehindParked(topic: string, messages: readonly KafkaMessage[], seen: SeenKeys): Promise<readonly KafkaMessage[]> {
    const asked = await this.#parked.among(topic, [...new Set(messages.map(keyOf))], seen);
    if (asked.size === 0) return messages;
    const parked = await this.#putBehind(
      topic,
      messages.filter((message) => asked.has(keyOf(message))),
    );
    return messages.filter((message) => !parked.has(keyOf(message)));
  }

  /** Puts messages behind their keys. @returns the keys that are still parked. */
  async #putBehind(topic: string, messages: readonly KafkaMessage[]): Promise<Set<string>> {
    const { group, deadLetters } = this.#options;
    const parked = await deadLetters.parkBehind(group, topic, messages);
    for (const key of new Set(messages.map(keyOf))) if (!parked.has(key)) await this.#parked.free(topic, key);
    return parked;
  }

  async #oneByOne(topic: string, messages: readonly KafkaMessage[], seen: SeenKeys): Promise<void> {
    const parked = new Set<string>();
    const stuck = new Map<string, unknown>();
    for (const message of messages) {
      const key = keyOf(message);
      if (stuck.has(key) || (parked.has(key) && (await this.#isBehind(topic, message)))) continue;
      const failure = await this.#alone(topic, message, seen);
      if (failure?.park) parked.add(key);
      else if (failure) stuck.set(key, failure.error);
    }
    const [first] = [...stuck.values()];
    if (stuck.size > 0) throw first;
  }

  /** Puts a message behind its key. @returns false when the key was freed meanwhile. */
  async #isBehind(topic: string, message: KafkaMessage): Promise<boolean> {
    return (await this.#putBehind(topic, [message])).size > 0;
  }

  /** @returns undefined when it went well, else what failed and whether the key was parked for it. */
  async #alone(topic: string, message: KafkaMessage, seen: SeenKeys): Promise<{ error: unknown; park: boolean } | undefined> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#hand(topic, [message], seen);
        this.#failingSince.delete(nameOf(topic, message));
        return undefined;
      } catch (error) {
        const fault = judge(error);
        if (fault === 'infrastructure') throw error;
        if (fault === 'event' && !(error instanceof NewerEventError) && tries < (this.#options.triesBeforeParking ?? 3)) {
          await new Promise((resolve) => setTimeout(resolve, 50 * tries));
          continue;
        }
        const park = fault !== 'unclear' || this.#isAloneForTooLong(topic, message);
        if (park) await this.#park(topic, message, error, seen);
        return { error, park };
      }
    }
  }

  /** Whether a message has failed for long, and others have succeeded since it began to. */
  #isAloneForTooLong(topic: string, message: KafkaMessage): boolean {
    const name = nameOf(topic, message);
    const since = this.#failingSince.get(name) ?? Date.now();
    this.#failingSince.set(name, since);
    return Date.now() - since >= (this.#options.aloneFailsForMs ?? 300_000) && this.#lastSuccess > since;
  }

  async #park(topic: string, message: KafkaMessage, error: unknown, seen: SeenKeys): Promise<void> {
    const { group, deadLetters, onError, onParked } = this.#options;
    const why = MessageHandler.parkedFor(error) ?? { kind: 'fault', reason: reasonOf(error) };
    await this.#traced('telling', topic, [message], async () => {
      onError(error, `handling ${topic} key ${keyOf(message)} as ${group}; its key is parked`);
      await deadLetters.park(group, topic, message, why);
    });
    this.#parked.note(topic, keyOf(message));
    seen.forget(topic, keyOf(message));
    this.#failingSince.delete(nameOf(topic, message));
    onParked?.(why.kind);
  }

  async #hand(topic: string, messages: readonly KafkaMessage[], seen: SeenKeys): Promise<void> {
    await this.#traced('handling', topic, messages, () => this.#handAll(topic, messages, seen));
  }

  async #traced(doing: WorkOnEvents['doing'], topic: string, messages: readonly KafkaMessage[], work: () => Promise<void>): Promise<void> {
    const { group, tracing } = this.#options;
    await (tracing ? tracing({ doing, group, topic, events: messages.map(toldOf) }, work) : work());
  }

  async #handAll(topic: string, messages: readonly KafkaMessage[], seen: SeenKeys): Promise<void> {
    const { gaps, handle, reader = thisRelease } = this.#options;
    const { events: told, tombstones } = readMessages(topic, messages);
    const whole = gaps ? await gaps.fill(topic, told, seen) : told;
    const events = whole.map((event) => reader.read(topic, event));
    if (events.length > 0 || tombstones.length > 0) await handle({ topic, events, tombstones });
    this.#lastSuccess = Date.now();
    for (const message of messages) seen.note(topic, keyOf(message), sequenceIn(message));
  }
}

function judge(error: unknown): Fault {
  return error instanceof NewerEventError ? 'event' : faultOf(error);
}

const nameOf = (topic: string, message: KafkaMessage) => `${topic} ${message.offset} ${keyOf(message)}`;
