/** What passes lies in memory of its own, outside the heap: little in the heap shows that it is time to collect. */
const collectedEvery = 8 * 1_048_576;

/**
 * Keeps what long bodies leave behind small: a piece that has passed is freed when young objects are collected, and they are collected
 * when the heap has filled with small ones, which bodies hardly make. So a gigabyte would pile up beside a heap that has nothing to do.
 *
 * It needs node's `--expose-gc`; without that it counts for nothing, and memory is what the engine makes of it.
 */
export class PassedMemory {
  #bytes = 0;

  constructor(private readonly collectYoung = youngObjectsCollected) {}

  /** @param bytes that were passed on just now. */
  passed(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < collectedEvery) return;
    this.#bytes = 0;
    this.collectYoung();
  }

  /** The pieces of a body as they are, counted. */
  async *counted(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    for await (const piece of body) {
      this.passed(piece.length);
      yield piece;
    }
  }
}

function youngObjectsCollected(): void {
  void globalThis.gc?.({ type: 'minor', execution: 'sync' });
}
