import type { EndReason, PushedRing, PushedStop, PushProvider, PushTarget } from '@communication-center/contracts';
import type { Lane, Turn } from '../channels/lanes.js';
import type { Push, PushChannel } from '../channels/push-channel.js';
import type { KeptCredential } from '../credentials/credential-store.js';
import { pauseAfter } from '../domain/backoff.js';
import type { PushOutcome } from '../domain/push-outcome.js';
import type { BreakOff } from './break-off.js';
import type { Finished, RingPush } from './ring-rows.js';

export const providerOf = ({ kind }: Pick<RingPush, 'kind'>): PushProvider =>
  kind === 'apns_alert' || kind === 'apns_voip' ? 'apns' : kind;

/** @param ringToken left out where none could be made: then only a user token lets the device in. */
export const ringTold = (push: RingPush, ringToken: string | undefined): PushedRing => ({
  type: 'ring',
  appId: push.appId,
  callId: push.callId,
  userAlias: push.userAlias,
  caller: push.caller,
  callerName: push.callerName,
  callType: push.callType,
  waiting: push.waiting,
  sentAt: new Date().toISOString(),
  deadline: push.deadline.toISOString(),
  deviceId: push.deviceId,
  notificationId: push.pushId,
  ...(ringToken && { ringToken }),
});

export const stopTold = ({ appId, callId, userAlias }: RingPush, reason: EndReason): PushedStop => ({
  type: 'ring_ended',
  appId,
  callId,
  userAlias,
  reason,
});

export interface Carrying {
  lane: Lane;
  channel: PushChannel;
  credential: KeptCredential;
  target: PushTarget;
  /** Made anew for each try. */
  told: () => Promise<PushedRing | PushedStop>;
  /** In milliseconds since 1970: no try begins later. */
  until: number;
  /** Ends it between two tries; its reason is put on record. */
  signal: BreakOff;
  /** The turn it has already for its first try. */
  turn?: Turn;
  onOutcome: (outcome: PushOutcome, sentAt: Date) => void;
}

type Carried = Pick<Finished, 'state' | 'reason' | 'attempts' | 'sentAt' | 'mayRing'>;

/**
 * Hands a push to its provider, again and again while that may help: until it is taken or refused, its time is over, or there is no use
 * for it any more. Each pause is jittered and none goes beyond the end; a provider that is held back for its failures is not asked.
 */
export async function carryPush(carrying: Carrying): Promise<Carried> {
  const { lane, until, signal, turn, onOutcome } = carrying;
  let [attempts, failures, mayRing] = [0, 0, false];
  let first: Date | null = null;
  let last = 'there was no time for a try';
  const ended = (state: Carried['state'], reason: string | null): Carried => ({ state, reason, attempts, sentAt: first, mayRing });
  for (;;) {
    if (signal.aborted) return ended('cancelled', signal.reason ?? null);
    if (Date.now() >= until) return ended('expired', last);
    const heldMs = lane.breaker.heldForMs(Date.now());
    let asked: number | undefined = heldMs;
    if (heldMs === 0) {
      const sentAt = new Date();
      const outcome = await lane.request(() => handOver(carrying), turn);
      if (!outcome) continue;
      first ??= sentAt;
      attempts += 1;
      onOutcome(outcome, sentAt);
      noteInLane(lane, outcome);
      if (outcome.outcome === 'accepted') {
        mayRing = true;
        return ended('accepted', null);
      }
      if (outcome.outcome !== 'later') return ended('failed', outcome.reason);
      mayRing ||= outcome.mayHaveArrived;
      last = outcome.reason;
      asked = outcome.retryAfterMs;
    } else {
      last = 'the provider is held back for its failures';
    }
    turn?.giveBack();
    failures += 1;
    const pause = pauseAfter(failures, asked, Math.random());
    if (Date.now() + pause >= until) return ended('expired', last);
    const isAskedToWait = heldMs === 0 && asked !== undefined;
    await pausing(pause, signal, lane.breaker.isOpen && !isAskedToWait ? lane : undefined);
  }
}

/** @returns undefined where it has come to its turn too late. */
async function handOver({ channel, credential, target, told, until, signal }: Carrying): Promise<PushOutcome | undefined> {
  const isOver = () => signal.aborted || Date.now() >= until;
  if (isOver()) return undefined;
  const push: Push = { credential, target, told: await told(), until };
  return isOver() ? undefined : channel.send(push);
}

/** Whether its provider answers is one thing; whether it lets the app in is another, and holds nothing back. */
function noteInLane(lane: Lane, outcome: PushOutcome): void {
  if (outcome.outcome === 'later') lane.breaker.failed(Date.now(), Math.random());
  else lane.answers();
}

/** Resolves after so many milliseconds, when there is no use for waiting any more, or when the provider that all are held back from answers. */
async function pausing(forMs: number, signal: BreakOff, held?: Lane): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      listenNoMore();
      forget?.();
      resolve();
    };
    const timer = setTimeout(end, forMs);
    const listenNoMore = signal.onAbort(end);
    const forget = held?.onceItAnswers(end);
  });
}
