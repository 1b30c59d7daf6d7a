import { type CallEvent, type CallId, callEventsPage } from '@communication-center/contracts';
import type { Repair, Sql } from '@communication-center/event-log';
import { eventsBetween } from '../event-store/events.js';

/** @returns what reads the events that the topic lacks of a call from the service's own store. */
export function repairIn(database: Sql): Repair {
  return async (callId, after, before) => {
    const found: CallEvent[] = [];
    for (let last = after; ; last = found.at(-1)?.sequence ?? before) {
      const page = await eventsBetween(database, callId as CallId, { after: last, before, limit: callEventsPage });
      found.push(...page);
      if (page.length < callEventsPage) return found;
    }
  };
}
