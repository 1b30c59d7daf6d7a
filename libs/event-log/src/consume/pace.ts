/**
 * How soon events are fetched. `prompt`: as soon as there are any, because somebody waits for what comes of them. `steady`: many
 * at once, because nobody does: a second later is soon enough, and a transaction for each event is too dear.
 */
export type Pace = 'prompt' | 'steady';

export interface Fetching {
  /** A broker answers as soon as it has so much. */
  minBytes: number;
  /** It answers after so long whatever it has. */
  maxWaitTimeInMs: number;
  /** At most so many events are handed over at once. */
  maxBatch: number;
}

/** @returns how a consumer of a pace asks the brokers. */
export function fetchingAt(pace: Pace): Fetching {
  return pace === 'prompt'
    ? { minBytes: 1, maxWaitTimeInMs: 1000, maxBatch: 200 }
    : { minBytes: 256 * 1024, maxWaitTimeInMs: 1000, maxBatch: 500 };
}
