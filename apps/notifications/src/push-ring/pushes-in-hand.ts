import type { EndReason } from '@communication-center/contracts';
import { isInfrastructureFailure } from '@communication-center/event-log';
import { Gathering, type Outcome, type ReportError, resumeTrace } from '@communication-center/service';
import type { Turn } from '../channels/lanes.js';
import { isTold } from '../domain/push-messages.js';
import type { RingEnd } from '../domain/rings.js';
import { BreakOff } from './break-off.js';
import { claimSeconds } from './claims.js';
import type { ConfirmedLately } from './confirmed-lately.js';
import type { Courier } from './courier.js';
import type { EndedLately } from './ended-lately.js';
import type { Finished, RingPush, RingRows } from './ring-rows.js';

/** How often claims are renewed: twice, and a little, before they would be free. */
const renewEveryMs = claimSeconds * 400;
/** Written in one statement at most. */
const atOnce = 500;
/** What became of pushes is written so far apart, in milliseconds, unless there is a statement's worth: the first of a while at once. */
const writtenEveryMs = 20;
/** Why a device is not pushed to. */
const itRings = 'the device rings already, as it said itself';

interface InHand {
  push: RingPush;
  abort: BreakOff;
  /** Where somebody waits for what is done now. */
  onDone?: () => void;
}

interface Parts {
  rows: RingRows;
  courier: Courier;
  ended: EndedLately;
  confirmed: ConfirmedLately;
  report: ReportError;
}

/** The pushes that this replica is at: carried to their providers, written down, and told of the end of their rings, one thing after the other. */
export class PushesInHand {
  readonly #all = new Map<string, InHand>();
  /** The same by their call. */
  readonly #byCall = new Map<string, InHand[]>();
  #renewing: NodeJS.Timeout | undefined;
  /** Until when nobody else takes anything of it, by `performance.now()`. */
  #isSureUntil = 0;
  readonly #finished: Gathering<Finished, EndReason | null>;
  readonly #told: Gathering<{ pushId: string; stop: 'accepted' | 'failed' }, null>;

  constructor(private readonly parts: Parts) {
    const together = {
      mostAtOnce: atOnce,
      mostWaiting: 200_000,
      paceMs: writtenEveryMs,
      mayFallApart: (error: unknown) => !isInfrastructureFailure(error),
    };
    this.#finished = new Gathering<Finished, EndReason | null>({ ...together, work: (all) => this.#finish(all) });
    this.#told = new Gathering<{ pushId: string; stop: 'accepted' | 'failed' }, null>({
      ...together,
      work: async (stops) => {
        await parts.rows.told(stops);
        return stops.map(() => ({ done: null }));
      },
    });
  }

  get size(): number {
    return this.#all.size;
  }

  get ids(): string[] {
    return [...this.#all.keys()];
  }

  /** Takes a push up, or leaves it to whoever has room. */
  start(push: RingPush): void {
    const before = this.#all.get(push.pushId);
    if (before) {
      // Of one push one thing is done at a time: its ring is written down before its end is told.
      const { onDone } = before;
      before.onDone = () => {
        onDone?.();
        this.start(push);
      };
      return;
    }
    const { courier, rows, report } = this.parts;
    const lane = courier.laneOf(push);
    if (!lane.enter()) {
      rows.leave([push.pushId]).catch((error: unknown) => report(error, 'leaving a push to others'));
      return;
    }
    const one: InHand = { push, abort: new BreakOff() };
    this.#note(one);
    const end = this.#whatEnded(one);
    // Of thousands that wait for their turn no more is held than this.
    lane.inTurn((turn) => {
      this.#go(one, end, turn)
        .catch((error: unknown) => report(error, 'pushing'))
        .finally(() => {
          turn.giveBack();
          lane.leave();
          this.#forget(one);
        });
    });
  }

  /** A ring is over: what is not handed over by now is not any more. */
  ended(end: RingEnd): void {
    for (const { push, abort } of this.#byCall.get(end.callId) ?? [])
      if (push.userAlias === end.userAlias && push.ringSequence < end.sequence) abort.abort();
  }

  /** A device said that it rings. */
  confirmed(callId: string, deviceId: string): void {
    for (const { push, abort } of this.#byCall.get(callId) ?? []) if (push.deviceId === deviceId && this.#isAt(push)) abort.abort(itRings);
  }

  /** Waits for what is under way, for two seconds; the claims of the rest lapse, and others take it. */
  async stop(): Promise<void> {
    for (let waited = 0; this.#all.size > 0 && waited < 2000; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50));
    clearInterval(this.#renewing);
  }

  #note(one: InHand): void {
    const { pushId, callId, claimedAt } = one.push;
    this.#isSureUntil = Math.min(this.#all.size > 0 ? this.#isSureUntil : Number.POSITIVE_INFINITY, claimedAt + claimSeconds * 1000);
    this.#all.set(pushId, one);
    const ofCall = this.#byCall.get(callId);
    if (ofCall) ofCall.push(one);
    else this.#byCall.set(callId, [one]);
    this.#renewing ??= setInterval(() => void this.#renew(), renewEveryMs);
  }

  #forget(one: InHand): void {
    const { pushId, callId } = one.push;
    this.#all.delete(pushId);
    const left = this.#byCall.get(callId)?.filter((other) => other !== one) ?? [];
    if (left.length > 0) this.#byCall.set(callId, left);
    else this.#byCall.delete(callId);
    one.onDone?.();
    if (this.#all.size > 0) return;
    clearInterval(this.#renewing);
    this.#renewing = undefined;
  }

  /** Whether the device of a push says that it rings already. */
  #isAt(push: RingPush): boolean {
    return this.parts.confirmed.of(ringOf(push), push.deviceId) !== undefined;
  }

  /** Breaks off what is of no use any more as it is taken up. @returns the end of its ring, where only this replica knows of it. */
  #whatEnded({ push, abort }: InHand): RingEnd | undefined {
    if (push.state !== 'queued') return undefined;
    const end = this.parts.ended.of(ringOf(push));
    if (end || push.ringEnded) abort.abort();
    else if (this.#isAt(push)) abort.abort(itRings);
    return push.ringEnded ? undefined : end;
  }

  #go(one: InHand, end: RingEnd | undefined, turn: Turn): Promise<void> {
    const { traceparent, appId, callId } = one.push;
    return resumeTrace([{ traceparent: traceparent ?? undefined, appid: appId, callid: callId }], () => this.#carry(one, end, turn));
  }

  async #carry({ push, abort }: InHand, end: RingEnd | undefined, turn: Turn): Promise<void> {
    let reason = push.ringEnded?.reason ?? null;
    if (push.state === 'queued') {
      // Taken over from a replica that had not come to write it down.
      if (end) for (const one of await this.parts.rows.end([end])) this.start(one);
      const carried = await this.parts.courier.ring(push, abort, turn);
      const mayRing = carried.mayRing || push.wasTaken;
      turn.giveBack();
      reason = await this.#finished.add({ pushId: push.pushId, appId: push.appId, ...carried, mayRing, isTold: isTold(push.kind) });
    }
    if (reason !== null && isTold(push.kind)) await this.#tellEnd(push, reason, turn);
  }

  async #tellEnd(push: RingPush, reason: EndReason, turn: Turn): Promise<void> {
    await this.#told.add({ pushId: push.pushId, stop: await this.parts.courier.tellEnd(push, reason, turn) });
  }

  async #finish(all: readonly Finished[]): Promise<Outcome<EndReason | null>[]> {
    const ended = await this.parts.rows.finish(all);
    return all.map(({ pushId }) => ({ done: ended.get(pushId) ?? null }));
  }

  /** Says that this replica lives. Where that came too late to be sure of every push, it asks for each whether it is its own still. */
  async #renew(): Promise<void> {
    const { rows, report } = this.parts;
    const from = performance.now();
    try {
      await rows.live();
      if (performance.now() >= this.#isSureUntil) {
        const ids = this.ids;
        const still = await rows.renew(ids);
        // One that has just been finished is gone from the claims, and soon from here: to break it off does nothing.
        for (const id of ids) if (!still.has(id)) this.#all.get(id)?.abort.abort();
      }
      this.#isSureUntil = from + claimSeconds * 1000;
    } catch (error) {
      report(error, 'renewing claims of pushes');
    }
  }
}

const ringOf = ({ callId, userAlias, ringSequence: sequence }: RingPush) => ({ callId, userAlias, sequence });
