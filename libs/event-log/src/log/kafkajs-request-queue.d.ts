declare module 'kafkajs/src/network/requestQueue/index.js' {
  /** A request that was sent. */
  export interface SentRequest {
    /** In milliseconds since 1970. */
    sentAt: number;
    /** In milliseconds. */
    requestTimeout: number;
    /** Fails it, and forgets it. */
    timeoutRequest(): void;
  }

  /** The requests of one connection to a broker. */
  export default class RequestQueue {
    /** Those that may not be sent yet. */
    pending: unknown[];
    /** Those that have no answer, by what their answer names. */
    inflight: Map<number, SentRequest>;
    enforceRequestTimeout: boolean;
    scheduleCheckPendingRequests(): void;
    /** Called once a connection stands. */
    scheduleRequestTimeoutCheck(): void;
    sendSocketRequest(request: SentRequest): void;
    /** Called once a connection is no more; it may stand again. */
    destroy(): void;
    /** Sends a request, or lets it wait for its turn. */
    push(request: { entry: { apiName: string } }): void;
  }
}
