import type { AnyEvent, Topic } from '@communication-center/contracts';
import type { Producer } from 'kafkajs';
import { toMessage } from '../log/event-headers.js';
import type { EventLog } from '../log/event-log.js';

export interface FleetingFactsOptions {
  log: Pick<EventLog, 'producer'>;
  topic: Topic;
  /** Called with each failure; what it was about is tried again, or was given up. */
  onError: (error: unknown, doing: string) => void;
  /** So many milliseconds apart groups are sent: what comes fast goes in fewer of them. The first after a pause waits for nothing. */
  paceMs?: number;
  /** Nobody needs a fact that is so many milliseconds old: then it is given up. */
  usefulForMs?: number;
  /** So many wait at most; who comes then is not told. */
  mostWaiting?: number;
}

interface Waiting {
  key: string;
  event: AnyEvent;
  since: number;
}

const mostAtOnce = 500;

/**
 * Tells what nobody keeps, straight to a topic: in groups, one under way at a time, tried again with pauses for as long as a fact is of use.
 * Only for what may be lost with the process that tells it, and with a log that is away: what must not be lost goes through the outbox.
 */
export class FleetingFacts {
  readonly #options: Required<FleetingFactsOptions>;
  #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;
  #producer: Producer | undefined;
  #stopping = false;
  #lost = 0;

  constructor(options: FleetingFactsOptions) {
    this.#options = { paceMs: 50, usefulForMs: 2000, mostWaiting: 10_000, ...options };
  }

  /** How many were not told, for want of room or because they came to be of no use. */
  get lost(): number {
    return this.#lost;
  }

  /** Has a fact told, after those of before. */
  tell(key: string, event: AnyEvent): void {
    if (this.#stopping || this.#waiting.length >= this.#options.mostWaiting) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push({ key, event, since: performance.now() });
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  async #work(): Promise<void> {
    // What comes in the same turn goes together.
    await new Promise((resolve) => setImmediate(resolve));
    for (let failures = 0; this.#waiting.length > 0; ) {
      const began = performance.now();
      const fresh = this.#waiting.filter(({ since }) => began - since < this.#options.usefulForMs);
      this.#lost += this.#waiting.length - fresh.length;
      this.#waiting = fresh;
      const group = this.#waiting.splice(0, mostAtOnce);
      if (group.length === 0) return;
      try {
        await this.#send(group);
        failures = 0;
      } catch (error) {
        this.#discard();
        this.#options.onError(error, `telling facts of ${this.#options.topic}`);
        failures += 1;
        this.#waiting.unshift(...group);
      }
      if (this.#stopping) return;
      const pause = failures > 0 ? 100 * 2 ** Math.min(failures, 4) * (0.5 + Math.random() / 2) : this.#options.paceMs;
      const left = pause - (failures > 0 ? 0 : performance.now() - began);
      if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
    }
  }

  async #send(group: readonly Waiting[]): Promise<void> {
    const { log, topic } = this.#options;
    if (!this.#producer) {
      const producer = log.producer();
      this.#producer = producer;
      await producer.connect();
    }
    await this.#producer.send({ topic, acks: -1, timeout: 5000, messages: group.map(({ key, event }) => toMessage(key, event)) });
  }

  /** One that failed is not used again. */
  #discard(): void {
    this.#producer?.disconnect().catch(() => undefined);
    this.#producer = undefined;
  }

  /** Tells what waits, once, and no more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#working;
    this.#lost += this.#waiting.length;
    this.#waiting = [];
    await this.#producer?.disconnect().catch(() => undefined);
    this.#producer = undefined;
  }
}
