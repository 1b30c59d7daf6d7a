// Not a part of kafkajs' face: its version is pinned, and the spec beside this file fails where it is another.
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

const counts = new Map<string, number>();

/** How many requests of each kind (`Produce`, `Fetch`, `OffsetCommit` …) this process has made to brokers, whoever made them. */
export const requestCounts: ReadonlyMap<string, number> = counts;

const push = RequestQueue.prototype.push;

/**
 * Counts every request of the process from now on. kafkajs tells of requests at each producer, consumer and admin by itself;
 * all of them pass here, so that none that is made tomorrow is left out. Doing it again changes nothing.
 */
export function countRequests(): void {
  RequestQueue.prototype.push = function countAndPush(request): void {
    const { apiName } = request.entry;
    counts.set(apiName, (counts.get(apiName) ?? 0) + 1);
    push.call(this, request);
  };
}
