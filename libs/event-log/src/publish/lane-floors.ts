import { type Lane, laneName, type OutboxRow } from './lanes.js';

/** Longer than any transaction may last: one that began before has committed. */
const lagMs = 60_000;
/** So often lanes are read from their beginning nevertheless. */
const wholeEveryMs = 10_000;

interface Floor {
  id: string;
  next: string;
  nextAt: number;
}

/**
 * Below which id nothing is read of a lane. Rows that are gone stay in the index until they are vacuumed, which a long
 * transaction anywhere in the database puts off: without a floor each read would walk over all of them.
 */
export class LaneFloors {
  readonly #floors = new Map<string, Floor>();
  #wholeAt = performance.now();

  /** Notes rows that are done with, in the order of their lanes. */
  passed(rows: readonly OutboxRow[]): void {
    const now = performance.now();
    for (const row of rows) {
      const name = laneName(row);
      const floor = this.#floors.get(name);
      if (!floor) this.#floors.set(name, { id: '0', next: row.id, nextAt: now });
      else if (now - floor.nextAt > lagMs) Object.assign(floor, { id: floor.next, next: row.id, nextAt: now });
    }
  }

  /** @returns the id that a read of each lane begins at. */
  of(lanes: readonly Lane[]): string[] {
    const now = performance.now();
    if (now - this.#wholeAt > wholeEveryMs) {
      this.#wholeAt = now;
      return lanes.map(() => '0');
    }
    return lanes.map((lane) => this.#floors.get(laneName(lane))?.id ?? '0');
  }
}
