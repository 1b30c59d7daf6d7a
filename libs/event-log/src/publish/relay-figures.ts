import type { LaneOwnership } from './lane-ownership.js';

/** How a relay's work goes. */
export interface RelayFigures {
  /** The shards this replica publishes now. */
  shards: ReadonlySet<number>;
  /** For how long it has not been sure of any shard, in milliseconds: then it sends nothing. */
  unprovenMs: number;
  published: number;
  failures: number;
  /** When it last published something; undefined while it has not. */
  lastPublishedAt: Date | undefined;
}

/** Counts what a relay does. */
export class RelayCount {
  #published = 0;
  #failures = 0;
  #lastPublishedAt: Date | undefined;

  published(events: number): void {
    this.#published += events;
    if (events > 0) this.#lastPublishedAt = new Date();
  }

  failed(): void {
    this.#failures += 1;
  }

  figuresWith({ owned, unprovenMs }: Pick<LaneOwnership, 'owned' | 'unprovenMs'>): RelayFigures {
    return { shards: owned, unprovenMs, published: this.#published, failures: this.#failures, lastPublishedAt: this.#lastPublishedAt };
  }
}
