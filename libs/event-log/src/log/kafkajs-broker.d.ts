declare module 'kafkajs/src/broker/index.js' {
  /** A broker as one client sees it. */
  export default class Broker {
    connectionPool: {
      /** Its connections. */
      pool?: { rejectRequests(error: Error): void }[];
    };
    fetch(options: {
      maxWaitTime: number;
      minBytes: number;
      topics: { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }[];
    }): Promise<{ errorCode?: number; sessionId?: number; responses: unknown[] }>;
    /** @returns what makes a request in the newest version that both sides know. */
    lookupRequest(apiKey: number, definition: unknown): (options: object) => unknown;
  }
}
