import { type Lane, laneName, type OutboxRow, type WrittenRow } from './lanes.js';

export interface CommittedOptions {
  /** Of which the keys' events count from 1 without a gap: others are always read. */
  topics: readonly string[];
  rowsPerLane: number;
  /** Of the events' JSON; a lane's first row goes however large it is. */
  bytesPerLane: number;
}

/** More than so many rows, or bytes, do not wait here: they are in the outbox, and are read. */
const [mostRows, mostBytes] = [4000, 8_000_000];
/** Of so many keys is remembered what was sent last; of others is read what comes next. */
const mostKeys = 50_000;

interface Waiting {
  lane: Lane;
  rows: WrittenRow[];
}

/**
 * Rows that have committed in this process, to be sent without being read, where that keeps the order: an event goes from here
 * only if this process itself has seen the one before it acknowledged, by its count, or if it is the first of its key. By that
 * nothing older of its key can wait in the outbox, whoever wrote it. Whatever is not certain makes its lane one to be read,
 * and the outbox has every row in any case: what is forgotten here is read from there.
 */
export class CommittedRows {
  readonly #options: CommittedOptions;
  readonly #waiting = new Map<string, Waiting>();
  #rows = 0;
  #bytes = 0;
  /** Of each key of late the sequence of the last event that was sent, by topic and key; the oldest first. */
  readonly #sent = new Map<string, number>();
  /** Of each lane the highest id that was sent: a first event below it may have been sent and forgotten. */
  readonly #highest = new Map<string, number>();

  constructor(options: CommittedOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#rows === 0;
  }

  /** Takes a row that has committed. @returns false for one that is to be read. */
  add(row: WrittenRow): boolean {
    if (row.event === null || !this.#options.topics.includes(row.topic)) return false;
    if (this.#rows >= mostRows || this.#bytes >= mostBytes) return false;
    const name = laneName(row);
    const known = this.#waiting.get(name);
    if (known) known.rows.push(row);
    else this.#waiting.set(name, { lane: { topic: row.topic, partition: row.partition }, rows: [row] });
    this.#rows += 1;
    this.#bytes += row.bytes;
    return true;
  }

  /**
   * Takes out the next rows of each lane that is free.
   * @returns them, in the order of their lanes and ids, and the lanes that have to be read first; these have nothing here any more.
   */
  take(isFree: (lane: Lane) => boolean): { rows: OutboxRow[]; unsure: Lane[] } {
    const [rows, unsure]: [OutboxRow[], Lane[]] = [[], []];
    for (const { lane, rows: waiting } of [...this.#waiting.values()]) {
      if (!isFree(lane)) continue;
      this.drop(lane);
      const inOrder = waiting.sort((one, other) => Number(one.id) - Number(other.id));
      if (!this.#isSure(lane, inOrder)) {
        unsure.push(lane);
        continue;
      }
      const count = this.#asMany(inOrder);
      rows.push(...inOrder.slice(0, count));
      for (const row of inOrder.slice(count)) this.add(row);
    }
    return { rows, unsure };
  }

  /** Notes what was acknowledged, in the order of its lanes. */
  sent(rows: readonly OutboxRow[]): void {
    for (const row of rows) {
      if (row.event === null || !this.#options.topics.includes(row.topic)) continue;
      const [lane, key] = [laneName(row), `${row.topic} ${row.key}`];
      this.#highest.set(lane, Math.max(this.#highest.get(lane) ?? 0, Number(row.id)));
      // One that is sent again, to repair the log, is not the last.
      const last = Math.max(this.#sent.get(key) ?? 0, row.event.sequence);
      this.#sent.delete(key);
      this.#sent.set(key, last);
    }
    for (const key of this.#sent.keys().take(Math.max(0, this.#sent.size - mostKeys))) this.#sent.delete(key);
  }

  /** Forgets rows that were read meanwhile. */
  found(rows: readonly OutboxRow[]): void {
    if (this.isEmpty || rows.length === 0) return;
    const ids = new Set(rows.map(({ id }) => id));
    for (const { lane, rows: waiting } of [...this.#waiting.values()]) {
      if (!waiting.some(({ id }) => ids.has(id))) continue;
      this.drop(lane);
      for (const row of waiting) if (!ids.has(row.id)) this.add(row);
    }
  }

  /** Forgets what waits of a lane: it is read. */
  drop(lane: Lane): void {
    const name = laneName(lane);
    const known = this.#waiting.get(name);
    if (!known) return;
    this.#waiting.delete(name);
    this.#rows -= known.rows.length;
    for (const { bytes } of known.rows) this.#bytes -= bytes;
  }

  /** Forgets what waits of lanes that another replica publishes by now. */
  keepOnly(isOwn: (lane: Lane) => boolean): void {
    for (const { lane } of [...this.#waiting.values()]) if (!isOwn(lane)) this.drop(lane);
  }

  /** Whether each of these follows what was sent of its key, or is the first, with nothing of the key between. */
  #isSure(lane: Lane, rows: readonly WrittenRow[]): boolean {
    const highest = this.#highest.get(laneName(lane)) ?? 0;
    const before = new Map<string, number>();
    return rows.every(({ id, topic, key, event }) => {
      const last = before.get(key) ?? this.#sent.get(`${topic} ${key}`);
      const sequence = event?.sequence ?? 0;
      before.set(key, sequence);
      return last === undefined ? sequence === 1 && Number(id) > highest : sequence === last + 1;
    });
  }

  #asMany(rows: readonly WrittenRow[]): number {
    const { rowsPerLane, bytesPerLane } = this.#options;
    let bytes = 0;
    const over = rows.findIndex((row) => {
      const isOver = bytes >= bytesPerLane;
      bytes += row.bytes;
      return isOver;
    });
    return Math.min(rowsPerLane, over < 0 ? rows.length : over);
  }
}
