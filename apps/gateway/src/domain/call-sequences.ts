import type { CallEvent, CallId, CallState } from '@communication-center/contracts';

const forgetAfterMs = 300_000;

/**
 * Decides which events a socket still has to hear, by call and sequence: none that its snapshot held, none twice, and
 * none of a call that was over so long before the snapshot that the snapshot left it out.
 */
export class CallSequences {
  readonly #last = new Map<CallId, number>();
  readonly #oldest: number;

  constructor(snapshot: readonly CallState[], takenAt: string) {
    for (const { callId, sequence } of snapshot) this.#last.set(callId, sequence);
    this.#oldest = Date.parse(takenAt) - forgetAfterMs;
  }

  /** @returns whether the event is news; it counts as told from then on. */
  take(event: CallEvent): boolean {
    const last = this.#last.get(event.callid);
    if (last === undefined ? Date.parse(event.time) < this.#oldest : event.sequence <= last) return false;
    // An ended call has no more events, but a repeat of its last ones may come: it is kept until the next few have ended.
    this.#last.delete(event.callid);
    this.#last.set(event.callid, event.sequence);
    if (this.#last.size > 200) this.#last.delete(this.#last.keys().next().value as CallId);
    return true;
  }
}
