/** What a consumer wants of a topic. */
export interface WantedTopic {
  topic: string;
  partitions: readonly WantedPartition[];
}

interface WantedPartition {
  partition: number;
  fetchOffset: string;
  maxBytes: number;
}

/** The part of a request that says what is wanted. */
export interface SessionRequest {
  sessionId: number;
  sessionEpoch: number;
  topics: WantedTopic[];
  forgottenTopics: { topic: string; partitions: number[] }[];
}

/** What an answer says of the session. */
export interface SessionAnswer {
  errorCode?: number;
  /** 0 where the broker keeps none. */
  sessionId?: number;
}

const noSession = 0;
/** Begins a session, with everything that is wanted, and ends the one that is named. */
const firstEpoch = 0;
const lastEpoch = 2_147_483_647;
const sessionNotFound = 70;

type Told = Map<string, Map<number, WantedPartition>>;

/**
 * A fetch session with one broker (KIP-227), from the consumer's side: the broker remembers what is wanted of which partition, a
 * request says only what has changed, and an answer has only partitions with something new. Whatever goes wrong, the next request
 * says everything anew.
 */
export class FetchSession {
  #id = noSession;
  #epoch = firstEpoch;
  /** What the broker knows once it has answered. */
  #told: Told = new Map();

  /** @returns what to ask for the broker to know what is wanted now. Each must be followed by {@link answered} or {@link failed}. */
  next(wanted: readonly WantedTopic[]): SessionRequest {
    const before = this.#epoch === firstEpoch ? new Map() : this.#told;
    this.#told = toldOf(wanted);
    return {
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      topics: withoutEmpty(wanted.map(({ topic, partitions }) => ({ topic, partitions: changed(partitions, before.get(topic)) }))),
      forgottenTopics: withoutEmpty(
        [...before].map(([topic, partitions]) => ({ topic, partitions: missing([...partitions.keys()], this.#told.get(topic)) })),
      ),
    };
  }

  /** @returns whether it was answered with what was asked for: if not, it is to be asked without a session. */
  answered({ errorCode = 0, sessionId = noSession }: SessionAnswer): boolean {
    if (errorCode !== 0) {
      this.failed();
      if (errorCode === sessionNotFound) this.#id = noSession;
      return false;
    }
    this.#id = sessionId;
    if (sessionId === noSession) this.#epoch = firstEpoch;
    else this.#epoch = this.#epoch === lastEpoch ? 1 : this.#epoch + 1;
    return true;
  }

  /** Nobody knows whether the broker heard the last one. */
  failed(): void {
    this.#epoch = firstEpoch;
  }
}

function toldOf(wanted: readonly WantedTopic[]): Told {
  return new Map(wanted.map(({ topic, partitions }) => [topic, new Map(partitions.map((one) => [one.partition, one]))]));
}

function changed(partitions: readonly WantedPartition[], before: Map<number, WantedPartition> | undefined): WantedPartition[] {
  return partitions.filter(({ partition, fetchOffset, maxBytes }) => {
    const told = before?.get(partition);
    return told?.fetchOffset !== fetchOffset || told.maxBytes !== maxBytes;
  });
}

function missing(partitions: readonly number[], now: Map<number, WantedPartition> | undefined): number[] {
  return partitions.filter((partition) => !now?.has(partition));
}

function withoutEmpty<T extends { partitions: readonly unknown[] }>(topics: readonly T[]): T[] {
  return topics.filter(({ partitions }) => partitions.length > 0);
}
