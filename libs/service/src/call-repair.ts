import { callEventsPage } from '@communication-center/contracts';
import { internal } from '@communication-center/contracts/internal';
import type { Repair } from '@communication-center/event-log';
import type { ServiceClient } from './service-client.js';

/** @returns what reads a call's missing events from the calls service, page by page. It throws while nobody answers. */
export function repairFrom(calls: ServiceClient): Repair {
  return async (callId, after, before) => {
    const found = [];
    for (let last = after; ; last = found.at(-1)?.sequence ?? before) {
      const asking = { params: { callId }, query: { after: last, before } };
      const { events } = await calls.ask(internal.callEvents, asking, { retryForMs: 2000 });
      found.push(...events);
      if (events.length < callEventsPage) return found;
    }
  };
}
