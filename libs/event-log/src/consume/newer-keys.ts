import type { EventReader } from '@communication-center/contracts';
import type { DeadLetters } from './dead-letters.js';
import type { EventConsumer } from './event-consumer.js';

export interface NewerKeysOptions {
  deadLetters: DeadLetters;
  consumers: () => Iterable<EventConsumer>;
  reader: EventReader;
  onError: (error: unknown, doing: string) => void;
  everyMs?: number;
}

/** Handles what newer releases wrote, once this one can read it: at the start, and now and then while releases change. */
export class NewerKeys {
  readonly #options: NewerKeysOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor(options: NewerKeysOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), this.#options.everyMs ?? 30_000);
    this.#timer.unref();
    this.look();
  }

  /** Lets the key in hand be finished. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  look(): void {
    if (this.#stopping) return;
    this.#running ??= this.#redriveKnown()
      .catch((error: unknown) => this.#options.onError(error, 'handling what newer releases wrote'))
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #redriveKnown(): Promise<void> {
    const { deadLetters, consumers, reader } = this.#options;
    for (const consumer of consumers()) {
      for (const { topic, ...kind } of await deadLetters.newerKinds(consumer.group)) {
        if (reader.knows(topic, kind)) await this.#redriveAll(consumer, topic, kind);
      }
    }
  }

  async #redriveAll(consumer: EventConsumer, topic: string, kind: { type: string; dataversion: number }): Promise<void> {
    const failed = new Set<string>();
    for (;;) {
      const keys = (await this.#options.deadLetters.newerKeys(consumer.group, topic, kind)).filter((key) => !failed.has(key));
      if (keys.length === 0) return;
      for (const key of keys) {
        if (this.#stopping) return;
        try {
          await consumer.redrive(topic, key);
        } catch (error) {
          failed.add(key);
          this.#options.onError(error, `handling ${topic} key ${key} as ${consumer.group}, which a newer release had written`);
        }
      }
    }
  }
}
