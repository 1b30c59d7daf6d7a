import { createRequire } from 'node:module';

interface RequestQueue {
  /** Requests that may not be sent yet. */
  pending: unknown[];
  scheduleCheckPendingRequests(): void;
}

const require = createRequire(import.meta.url);
/** Not a part of kafkajs' face: its version is pinned, and the spec beside this file fails when it is another one. */
const requestQueue: { prototype: RequestQueue } = require('kafkajs/src/network/requestQueue');

/**
 * kafkajs 2.2.4 looks for waiting requests each millisecond, on each connection, for ever: it took four fifths of what an idle
 * service costs (https://github.com/tulios/kafkajs/issues/1704). Where nothing waits there is nothing to look for: whoever
 * comes to wait asks for a look, and so does each answer.
 */
export function restWhenIdle(): void {
  const look = requestQueue.prototype.scheduleCheckPendingRequests;
  if (look.name === restsWhenIdle) return;
  const lookIfAny = {
    [restsWhenIdle](this: RequestQueue): void {
      if (this.pending.length > 0) look.call(this);
    },
  };
  requestQueue.prototype.scheduleCheckPendingRequests = lookIfAny[restsWhenIdle] as RequestQueue['scheduleCheckPendingRequests'];
}

const restsWhenIdle = 'lookIfAnyWaits';
