import type { CallState } from '@communication-center/contracts';
import type { Command } from './commands.js';
import { type Decision, nothing, reject, stated } from './decision.js';
import { Draft } from './draft.js';
import { refusalOf } from './moderating.js';

type Of<T extends Command['type']> = Command & { type: T };

/** How often one call is broadcast at most: each time has rows and events of its own. */
const mostBroadcasts = 20;

/** Begins to broadcast; what is broadcast already goes on. Everyone in the call is told by the event, before anybody can watch. */
export function startBroadcast({ by, broadcastId, usersMayBroadcast }: Of<'StartBroadcast'>, call: CallState, now: Date): Decision {
  const refusal = refusalOf(by, call);
  if (refusal) return refusal;
  if (by !== null && !usersMayBroadcast) return reject('forbidden', 'The app lets servers alone broadcast: see usersMayBroadcast');
  if (call.status !== 'connected') return reject('forbidden', 'A call is broadcast once somebody has answered');
  if (call.broadcast) return nothing;
  if ((call.broadcasts ?? 0) >= mostBroadcasts) return reject('forbidden', `A call is broadcast ${mostBroadcasts} times at most`);
  return stated(new Draft(call.callId, call, now).state({ type: 'call.broadcast_started', data: { broadcastId, by } }));
}

/** Ends the broadcast; where none is, there is nothing to do: a repeat, or a word that comes late, is no fault. */
export function stopBroadcast({ by }: Of<'StopBroadcast'>, call: CallState, now: Date): Decision {
  const refusal = refusalOf(by, call);
  if (refusal) return refusal;
  if (!call.broadcast) return nothing;
  const { broadcastId } = call.broadcast;
  return stated(new Draft(call.callId, call, now).state({ type: 'call.broadcast_stopped', data: { broadcastId, by, reason: 'stopped' } }));
}

/** A word that comes late, or of another broadcast than the one that goes on, finds nothing to do. */
export function failBroadcast({ broadcastId }: Of<'FailBroadcast'>, call: CallState, now: Date): Decision {
  if (call.broadcast?.broadcastId !== broadcastId) return nothing;
  const data = { broadcastId, by: null, reason: 'failed' as const };
  return stated(new Draft(call.callId, call, now).state({ type: 'call.broadcast_stopped', data }));
}
