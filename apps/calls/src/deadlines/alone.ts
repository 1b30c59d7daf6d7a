import type { CallId } from '@communication-center/contracts';
import type { Deadline } from './due-deadlines.js';

/** More than this is forgotten: it is found due again. */
const mostWaiting = 1000;
const restMs = { first: 1000, longest: 60_000 };
/** What has not failed again for so long since it last rested was mended, or fired elsewhere. */
const forgottenAfterMs = 600_000;

/**
 * Deadlines that could not be fired with others, because somebody holds what they need or their group failed: each is tried by
 * itself, a few at a time. One that fails alone, too, rests, longer each time.
 */
export class Alone {
  readonly #waiting: Deadline[] = [];
  readonly #inHand = new Map<CallId, number>();
  readonly #resting = new Map<CallId, { until: number; times: number }>();
  readonly #workers = new Set<Promise<void>>();
  #isStopping = false;

  constructor(
    private readonly fire: (due: Deadline) => Promise<void>,
    private readonly report: (error: unknown) => void,
    private readonly sameTime: number,
  ) {}

  /** Calls whose deadlines wait here, are worked on, or rest after a failure. */
  get calls(): CallId[] {
    const now = Date.now();
    for (const [callId, { until }] of this.#resting) if (until < now - forgottenAfterMs) this.#resting.delete(callId);
    return [...this.#inHand.keys(), ...[...this.#resting].filter(([, { until }]) => until > now).map(([callId]) => callId)];
  }

  add(deadlines: readonly Deadline[]): void {
    for (const due of deadlines.slice(0, mostWaiting - this.#waiting.length)) {
      this.#waiting.push(due);
      this.#count(due.call_id, 1);
    }
    while (this.#workers.size < Math.min(this.sameTime, this.#waiting.length) && !this.#isStopping) {
      const worker = this.#work().finally(() => this.#workers.delete(worker));
      this.#workers.add(worker);
    }
  }

  /** Lets those in hand finish. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    for (let due = this.#waiting.shift(); due && !this.#isStopping; due = this.#waiting.shift()) {
      try {
        await this.fire(due);
        this.#resting.delete(due.call_id);
      } catch (error) {
        this.report(error);
        this.#rest(due.call_id);
      }
      this.#count(due.call_id, -1);
    }
  }

  #rest(callId: CallId): void {
    const times = this.#resting.get(callId)?.times ?? 0;
    const pause = Math.min(restMs.longest, restMs.first * 2 ** times) * (0.5 + Math.random());
    this.#resting.set(callId, { until: Date.now() + pause, times: times + 1 });
  }

  #count(callId: CallId, by: 1 | -1): void {
    const count = (this.#inHand.get(callId) ?? 0) + by;
    if (count > 0) this.#inHand.set(callId, count);
    else this.#inHand.delete(callId);
  }
}
