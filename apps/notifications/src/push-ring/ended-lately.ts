import type { RingEnd } from '../domain/rings.js';

/** Longer than any ring: what ended before has no push left that anybody could take over. */
const keptMs = 140_000;

const keyOf = ({ callId, userAlias }: { callId: string; userAlias: string }) => `${callId}/${userAlias}`;

/** The rings that ended lately, so that a repeat of an event, or a push taken over from a dead replica, rings nobody. */
export class EndedLately {
  #ends = new Map<string, RingEnd>();
  #before = new Map<string, RingEnd>();
  #since = 0;

  note(end: RingEnd, nowMs: number): void {
    if (nowMs - this.#since > keptMs) {
      this.#before = nowMs - this.#since > 2 * keptMs ? new Map() : this.#ends;
      this.#ends = new Map();
      this.#since = nowMs;
    }
    const known = this.#ends.get(keyOf(end));
    if (!known || known.sequence < end.sequence) this.#ends.set(keyOf(end), end);
  }

  /** @returns what ended a ring that began with this event of the call, if that has come. */
  of(ring: { callId: string; userAlias: string; sequence: number }): RingEnd | undefined {
    const key = keyOf(ring);
    for (const all of [this.#ends, this.#before]) {
      const end = all.get(key);
      if (end && end.sequence > ring.sequence) return end;
    }
    return undefined;
  }
}
