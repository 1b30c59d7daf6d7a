import type { CallId, UserAlias } from '@communication-center/contracts';
import type { MediaGrant } from '@communication-center/contracts/media-grant';
import { Bans } from './bans.js';
import type { Happening } from './happenings.js';

/** Whether a grant still holds: `unknown` where too little of its call is known to tell. */
export type Standing = 'in' | 'left' | 'ended' | 'unknown';

interface Known {
  /** Everything of the call from this event on to {@link to} is known. */
  from: number;
  to: number;
  ended: boolean;
  /** Who left last with which event. */
  left: Map<UserAlias, number> | undefined;
  /** Of whom something was heard to be forbidden, or allowed again. */
  bans: Map<UserAlias, Bans> | undefined;
}

const nothing = { ended: false, left: undefined, bans: undefined };

/**
 * What this process heard of calls lately, in memory: enough to judge a grant of a call whose events it has heard since the
 * grant was given. Nothing rests on it alone: of what it does not know, the calls service is asked.
 */
export class KnownCalls {
  readonly #calls = new Map<CallId, Known>();

  /** @param most so many calls are known; the one nothing was heard of for longest is forgotten first. */
  constructor(private readonly most: number) {}

  /** Takes what was heard. Repeats change nothing; after a gap only what came behind it counts as known. */
  note({ callId, sequence, left, moderated, ended }: Happening): void {
    const call = this.#calls.get(callId) ?? { from: sequence, to: sequence, ...nothing };
    if (sequence > call.to + 1) call.from = sequence;
    call.to = Math.max(call.to, sequence);
    if (ended) Object.assign(call, { ...nothing, ended });
    else if (left && !call.ended) {
      call.left ??= new Map();
      call.left.set(left, Math.max(sequence, call.left.get(left) ?? 0));
    } else if (moderated && !call.ended) {
      call.bans ??= new Map();
      const bans = call.bans.get(moderated.userAlias) ?? new Bans();
      bans.take(sequence, moderated);
      call.bans.set(moderated.userAlias, bans);
    }
    this.#keep(callId, call);
  }

  /** Takes what the calls service told: everything of a call after one event, in order. */
  noteAll(callId: CallId, after: number, happenings: readonly Happening[]): void {
    const through = happenings.at(-1)?.sequence ?? after;
    const call = this.#calls.get(callId) ?? { from: after + 1, to: through, ...nothing };
    if (after > call.to) Object.assign(call, { from: after + 1, to: after });
    else if (through + 1 >= call.from) call.from = Math.min(call.from, after + 1);
    this.#keep(callId, call);
    for (const happening of happenings) this.note(happening);
  }

  standingOf({ callId, userAlias, sequence }: Pick<MediaGrant, 'callId' | 'userAlias' | 'sequence'>): Standing {
    const call = this.#calls.get(callId);
    if (!call) return 'unknown';
    if (call.ended) return 'ended';
    if ((call.left?.get(userAlias) ?? 0) > sequence) return 'left';
    return call.from <= sequence + 1 ? 'in' : 'unknown';
  }

  /** @returns what the bearer of a grant may not send, where the grant still holds. */
  bansOf(grant: Pick<MediaGrant, 'callId' | 'userAlias' | 'sequence' | 'forbidden'>): Bans {
    const bans = Bans.in(grant);
    const heard = this.#calls.get(grant.callId)?.bans?.get(grant.userAlias);
    if (heard) bans.takeAll(heard);
    return bans;
  }

  #keep(callId: CallId, call: Known): void {
    // What was heard of again goes to the end of those to be forgotten.
    this.#calls.delete(callId);
    this.#calls.set(callId, call);
    if (this.#calls.size > this.most) this.#calls.delete(this.#calls.keys().next().value as CallId);
  }
}
