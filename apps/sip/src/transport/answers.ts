import { createHash } from 'node:crypto';

/** UDP repeats what it believes lost for as long as this (RFC 3261 §17.2.2). */
const keptMs = 32_000;
/** Of all senders together. */
const mostKeptBytes = 16_777_216;
/** What is kept of an answer besides its text. */
const perAnswerBytes = 200;

/** Answers to the requests of the last half minute, for those that come again; of all senders together no more than so many bytes. */
export class Answers {
  readonly #maxBytes: number;
  /** The oldest first. An empty one is still being thought about. */
  readonly #kept = new Map<string, { answer: string; at: number }>();
  #bytes = 0;

  constructor(maxBytes = mostKeptBytes) {
    this.#maxBytes = maxBytes;
  }

  get(request: string): string | undefined {
    return this.#kept.get(nameOf(request))?.answer;
  }

  /** @param request what tells a repeat from another request. */
  set(request: string, answer: string, now = Date.now()): void {
    const name = nameOf(request);
    const before = this.#kept.get(name);
    this.#bytes += answer.length - (before ? before.answer.length : -perAnswerBytes);
    this.#kept.set(name, { answer, at: before?.at ?? now });
    for (const [oldest, { answer: old, at }] of this.#kept) {
      if (this.#bytes <= this.#maxBytes && now - at < keptMs) break;
      this.#kept.delete(oldest);
      this.#bytes -= old.length + perAnswerBytes;
    }
  }
}

/** Senders choose what they call their requests: what is kept of it is as short for all. */
function nameOf(request: string): string {
  return createHash('sha256').update(request).digest('base64');
}
