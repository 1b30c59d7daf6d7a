import type { Grant } from '../credentials/media-tokens.js';
import type { Departure } from './departures.js';

/** Who left which call of late, and how far it was then: in memory, for who is just being let in. */
export class RecentDepartures {
  readonly #sequences = new Map<string, number>();

  /** @param most so many people in calls are remembered; whoever left longest ago is forgotten first. */
  constructor(private readonly most: number) {}

  note({ callid, sequence, data }: Departure): void {
    const key = keyOf(callid, data.userAlias);
    const latest = Math.max(sequence, this.#sequences.get(key) ?? 0);
    // Whoever left again goes to the end of those to be forgotten.
    this.#sequences.delete(key);
    this.#sequences.set(key, latest);
    if (this.#sequences.size > this.most) this.#sequences.delete(this.#sequences.keys().next().value as string);
  }

  /** Whether its bearer left the call after the grant was given. */
  areAfter({ callId, userAlias, sequence }: Grant): boolean {
    return (this.#sequences.get(keyOf(callId, userAlias)) ?? 0) > sequence;
  }
}

const keyOf = (callId: string, userAlias: string) => `${callId} ${userAlias}`;
