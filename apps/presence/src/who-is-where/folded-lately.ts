import type { CallState } from '@communication-center/contracts';

/** Calls that are remembered at most, some 2 KB each: of others the state is read. */
const mostCalls = 2000;

/**
 * What calls were folded to lately. The state of a call after its nth event is the same whoever folds it and whenever, so one that
 * is just before the next event needs no reading, whatever the tables hold by now: they take nothing older than they have.
 */
export class FoldedLately {
  readonly #calls = new Map<string, CallState>();

  /** @returns the call as it was just before its event of that sequence; undefined where that is not known here. */
  before(callId: string, sequence: number): CallState | undefined {
    const call = this.#calls.get(callId);
    return call?.sequence === sequence - 1 ? call : undefined;
  }

  /** Notes what has been committed: what was rolled back comes again, and must be written then. */
  note(calls: readonly CallState[]): void {
    for (const call of calls) {
      this.#calls.delete(call.callId);
      if (call.status !== 'ended') this.#calls.set(call.callId, call);
    }
    for (const callId of this.#calls.keys().take(Math.max(0, this.#calls.size - mostCalls))) this.#calls.delete(callId);
  }
}
