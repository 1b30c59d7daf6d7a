declare module 'kafkajs/src/network/requestQueue/index.js' {
  /** The requests of one connection to a broker. */
  export default class RequestQueue {
    /** Those that may not be sent yet. */
    pending: unknown[];
    scheduleCheckPendingRequests(): void;
    /** Sends a request, or lets it wait for its turn. */
    push(request: { entry: { apiName: string } }): void;
  }
}
