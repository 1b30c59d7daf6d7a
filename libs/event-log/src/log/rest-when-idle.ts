// Not a part of kafkajs' face: its version is pinned, and the spec beside this file fails where it is another.
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

const { scheduleCheckPendingRequests: look, sendSocketRequest: send, destroy } = RequestQueue.prototype;
/** When it is looked for requests that are not answered in time, of each connection that has any. */
const looks = new WeakMap<RequestQueue, { timer: NodeJS.Timeout; at: number }>();

/**
 * kafkajs 2.2.4 wakes each connection, whatever goes through it: each millisecond for requests that wait (four fifths of what an idle
 * service cost, https://github.com/tulios/kafkajs/issues/1704), and ten times a second for answers that are late, which with the two
 * connections of each consumer woke a service a hundred times. Where nothing waits there is nothing to look for: whoever comes to wait asks
 * for a look, and so does each answer. What is late is looked for when the first request that has no answer would be.
 */
export function restWhenIdle(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = function lookIfAnyWaits(): void {
    if (this.pending.length > 0) look.call(this);
  };
  RequestQueue.prototype.scheduleRequestTimeoutCheck = function lookWhenOneIsLate(): void {
    this.destroy();
    failOverdue(this);
  };
  RequestQueue.prototype.sendSocketRequest = function sendAndLook(request): void {
    send.call(this, request);
    lookAt(this, request.sentAt + request.requestTimeout);
  };
  RequestQueue.prototype.destroy = function lookNoMore(): void {
    clearTimeout(looks.get(this)?.timer);
    looks.delete(this);
    destroy.call(this);
  };
}

/** Has it looked for what is overdue just after a moment, or sooner. */
function lookAt(queue: RequestQueue, at: number): void {
  const known = looks.get(queue);
  if (!queue.enforceRequestTimeout || (known && known.at <= at)) return;
  clearTimeout(known?.timer);
  looks.set(queue, { timer: setTimeout(() => failOverdue(queue), Math.max(0, at - Date.now()) + 1), at });
}

function failOverdue(queue: RequestQueue): void {
  looks.delete(queue);
  const now = Date.now();
  let next = Number.POSITIVE_INFINITY;
  for (const request of queue.inflight.values()) {
    const at = request.sentAt + request.requestTimeout;
    if (at < now) request.timeoutRequest();
    else next = Math.min(next, at);
  }
  if (next < Number.POSITIVE_INFINITY) lookAt(queue, next);
}
