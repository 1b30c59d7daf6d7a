import type { KafkaMessage } from 'kafkajs';
import type { SeenKeys } from './seen-keys.js';

/** What a fetch brought of one partition. */
export interface Portion {
  topic: string;
  partition: number;
  messages: readonly KafkaMessage[];
  seen: SeenKeys;
  /** Whether this member may still go on with it. */
  isMine: () => boolean;
  /** Called with the last offset of what has been handled, each time. */
  onHandled: (offset: string) => void;
  /**
   * Called with what could not be handled, why, and how often its partition has failed in a row by now: it is to come again. The
   * rest of the portion is left alone.
   */
  onFailed: (messages: readonly KafkaMessage[], error: unknown, inARow: number) => Promise<void>;
}

export interface JointBatchesOptions {
  /** Handles messages of one topic in one go, or throws whatever one of them is at fault of: nothing of them counts as handled. */
  together: (topic: string, messages: readonly KafkaMessage[], seen: SeenKeys) => Promise<void>;
  /** Handles messages of one partition. @throws where they are to come again. */
  alone: (topic: string, messages: readonly KafkaMessage[], seen: SeenKeys) => Promise<void>;
  /** At most so many messages are handled in one go. */
  maxBatch: number;
  /** So many portions, or groups of them, are worked on side by side. */
  concurrency: number;
}

/** A portion and how far it is. */
interface Progress {
  portion: Portion;
  next: number;
  /** Resolves for whoever brought the portion. */
  over: () => void;
  /** Rejects for him. */
  broken: (error: unknown) => void;
}

/** What is to be handled of a portion now. */
interface Part {
  progress: Progress;
  messages: readonly KafkaMessage[];
}

/** A group below so many messages is not worth another transaction beside it. */
const worthAnother = 100;

/**
 * Joins what came of several partitions at the same moment into one batch, so that it takes one transaction and not one for each
 * partition. Nobody waits to be joined, and nobody suffers for it: what fails together is handled anew by each partition alone, and a
 * partition that fails alone stays alone until it succeeds.
 */
export class JointBatches {
  readonly #options: JointBatchesOptions;
  #arrived: Progress[] = [];
  /** Partitions that failed alone when they were last handled, and how often in a row. */
  readonly #failing = new Map<string, number>();

  constructor(options: JointBatchesOptions) {
    this.#options = options;
  }

  /**
   * Handles a portion, with those that are brought in the same moment. Resolves when it is handled, or has failed and said so.
   * @throws what its own `onHandled` or `onFailed` does, or that of one it was joined with.
   */
  handle(portion: Portion): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#arrived.push({ portion, next: 0, over: resolve, broken: reject });
      // What one fetch brings is handed over by kafkajs one by one, but without a pause.
      if (this.#arrived.length === 1) queueMicrotask(() => this.#begin());
    });
  }

  #begin(): void {
    const arrived = this.#arrived;
    this.#arrived = [];
    const [alone, joint] = split(arrived, ({ portion }) => this.#failing.has(nameOf(portion)));
    const groups = [...Map.groupBy(joint, ({ portion }) => portion.topic).values()].flatMap((ofTopic) => this.#groups(ofTopic));
    for (const group of [...alone.map((one) => [one]), ...groups]) {
      this.#work(group).catch((error: unknown) => {
        for (const { broken } of group) broken(error);
      });
    }
  }

  /** Where there is much to do, some groups side by side; else one. */
  #groups(all: readonly Progress[]): Progress[][] {
    const messages = all.reduce((sum, { portion }) => sum + portion.messages.length, 0);
    const count = Math.min(this.#options.concurrency, all.length, Math.ceil(messages / worthAnother));
    return [...Map.groupBy(all, (_one, index) => index % Math.max(1, count)).values()];
  }

  async #work(group: readonly Progress[]): Promise<void> {
    for (let left = group; left.length > 0; left = left.filter(isUnderWay)) {
      const parts = left.flatMap((progress) => partOf(progress, Math.max(1, Math.floor(this.#options.maxBatch / left.length))) ?? []);
      await this.#handleParts(parts);
    }
  }

  async #handleParts(parts: readonly Part[]): Promise<void> {
    if (parts.length > 1 && (await this.#areHandledTogether(parts))) for (const part of parts) noteHandled(part);
    else await sideBySide(this.#options.concurrency, parts, (part) => this.#alone(part));
  }

  async #areHandledTogether(parts: readonly Part[]): Promise<boolean> {
    const { topic, seen } = (parts[0] as Part).progress.portion;
    try {
      const messages = parts.flatMap((part) => part.messages);
      await this.#options.together(topic, messages, seen);
      return true;
    } catch {
      // Whose fault it was, and what is to be done about it, is found out by each alone.
      return false;
    }
  }

  async #alone(part: Part): Promise<void> {
    const { portion } = part.progress;
    if (!portion.isMine()) return end(part.progress);
    try {
      await this.#options.alone(portion.topic, part.messages, portion.seen);
    } catch (error) {
      const inARow = (this.#failing.get(nameOf(portion)) ?? 0) + 1;
      this.#failing.set(nameOf(portion), inARow);
      await portion.onFailed(part.messages, error, inARow);
      return end(part.progress);
    }
    this.#failing.delete(nameOf(portion));
    noteHandled(part);
  }
}

/** @returns the next messages of a portion; undefined where it is at its end, or another's by now. */
function partOf(progress: Progress, most: number): Part | undefined {
  const { portion, next } = progress;
  const messages = portion.isMine() ? portion.messages.slice(next, next + most) : [];
  if (messages.length > 0) return { progress, messages };
  end(progress);
  return undefined;
}

function noteHandled({ progress, messages }: Part): void {
  progress.next += messages.length;
  progress.portion.onHandled((messages.at(-1) as KafkaMessage).offset);
  if (progress.next >= progress.portion.messages.length) end(progress);
}

function end(progress: Progress): void {
  progress.next = Number.POSITIVE_INFINITY;
  progress.over();
}

const isUnderWay = ({ next }: Progress) => Number.isFinite(next);

async function sideBySide<T>(count: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  await Promise.all(
    Array.from({ length: Math.min(count, items.length) }, async () => {
      for (const item of waiting) await work(item);
    }),
  );
}

function split<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

const nameOf = ({ topic, partition }: Portion) => `${topic} ${partition}`;
