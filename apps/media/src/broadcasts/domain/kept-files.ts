/** Of a file that is kept: what it has, or will have, and since when. */
interface Kept {
  bytes: Promise<Buffer | undefined>;
  size: number;
  at: number;
}

/** How much is kept, and for how long. */
export interface Keeping {
  /** Of all files together, in bytes. */
  mostBytes: number;
  /** Of files, those that are being read among them. */
  mostFiles: number;
  /** In milliseconds, since it was first asked for. */
  forMs: number;
}

/**
 * Files that many ask for at the same moment, in memory: each is read once, however many ask, and kept for a while. What was asked for first goes first.
 * Time arrives with each question.
 */
export class KeptFiles {
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  /** @param read reads a file; undefined where there is none. */
  constructor(
    private readonly keeping: Keeping,
    private readonly read: (path: string) => Promise<Buffer | undefined>,
  ) {}

  /** How many bytes are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @returns what a file has; undefined where there is none. @throws what reading it throws. */
  of(path: string, now: number): Promise<Buffer | undefined> {
    this.forget(now);
    const known = this.#kept.get(path);
    if (known) return known.bytes;
    const kept: Kept = { bytes: this.read(path), size: 0, at: now };
    this.#kept.set(path, kept);
    kept.bytes.then(
      (bytes) => this.#keep(path, kept, bytes?.length),
      () => this.#drop(path, kept),
    );
    return kept.bytes;
  }

  /** Forgets what is kept for too long, or is too much. */
  forget(now: number): void {
    for (const [path, kept] of this.#kept) {
      const isTooMuch = this.#bytes > this.keeping.mostBytes || this.#kept.size > this.keeping.mostFiles;
      if (!isTooMuch && now - kept.at < this.keeping.forMs) break;
      this.#drop(path, kept);
    }
  }

  /** That there is no such file is not kept: it may be there a moment later. */
  #keep(path: string, kept: Kept, size: number | undefined): void {
    if (this.#kept.get(path) !== kept) return;
    if (size === undefined) return this.#drop(path, kept);
    kept.size = size;
    this.#bytes += size;
    this.forget(kept.at);
  }

  #drop(path: string, kept: Kept): void {
    if (this.#kept.get(path) !== kept) return;
    this.#kept.delete(path);
    this.#bytes -= kept.size;
  }
}
