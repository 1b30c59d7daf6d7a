import { randomUUID } from 'node:crypto';
import { enveloped } from '@communication-center/contracts';
import type { BroadcastEvent } from '@communication-center/contracts/broadcast-events';
import { type Sql, type WrittenRow, writeOutbox } from '@communication-center/event-log';
import { currentTraceparent } from '@communication-center/service';
import type { BroadcastRow } from './broadcast-rows.js';

/** @returns what is said of a broadcast, to whoever asks or is told. */
export function saidOf(row: BroadcastRow): BroadcastEvent['data'] {
  const { broadcast_id: broadcastId, call_id: callId, state, fault, started_at, live_at, stopped_at, most_viewers: mostViewers } = row;
  const times = {
    startedAt: started_at.toISOString(),
    liveAt: live_at?.toISOString() ?? null,
    stoppedAt: stopped_at?.toISOString() ?? null,
  };
  const { push_server: server, push_state, push_fault, push_since } = row;
  const isPushed = server !== null && push_state !== null && push_since !== null;
  const push = isPushed ? { server, state: push_state, fault: push_fault, since: push_since.toISOString() } : null;
  return { broadcastId, callId, state, fault, ...times, mostViewers, push };
}

/**
 * Puts what became of a broadcast into the outbox, in the transaction that makes it so.
 * @returns what to tell the relay of after the commit.
 */
export async function tellOf(tx: Sql, type: BroadcastEvent['type'], row: BroadcastRow): Promise<WrittenRow[]> {
  const { broadcast_id: key, app_id: appId, told: sequence } = row;
  const origin = { id: randomUUID(), source: '/media', at: new Date(), subject: key, appId, sequence };
  const event = enveloped({ type, data: saidOf(row) }, { ...origin, traceparent: currentTraceparent() }) as BroadcastEvent;
  return writeOutbox(tx, [{ topic: 'broadcasts.events' as const, key, event }]);
}
