// Not a part of kafkajs' face: its version is pinned, and the spec beside this file fails where it is another.
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

const look = RequestQueue.prototype.scheduleCheckPendingRequests;

/**
 * kafkajs 2.2.4 looks for waiting requests each millisecond, on each connection, for ever: it took four fifths of what an idle
 * service costs (https://github.com/tulios/kafkajs/issues/1704). Where nothing waits there is nothing to look for: whoever
 * comes to wait asks for a look, and so does each answer.
 */
export function restWhenIdle(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = function lookIfAnyWaits(): void {
    if (this.pending.length > 0) look.call(this);
  };
}
