declare module 'kafkajs/src/protocol/requests/fetch/v11/response.js' {
  import type { FetchedRecord } from './fetched-record.js';

  interface FetchedPartition {
    partition: number;
    errorCode: number;
    highWatermark: string;
    lastStableOffset: string;
    lastStartOffset: string;
    abortedTransactions: { producerId: string; firstOffset: string }[];
    preferredReadReplica: number;
    messages: Pick<
      FetchedRecord,
      'attributes' | 'offset' | 'timestamp' | 'key' | 'value' | 'headers' | 'isControlRecord' | 'batchContext'
    >[];
  }

  const response: {
    /** Reads the answer to a Fetch in version 11, behind its correlation id. */
    decode: (bytes: Buffer) => Promise<{
      throttleTime: number;
      clientSideThrottleTime: number;
      errorCode: number;
      sessionId: number;
      responses: { topicName: string; partitions: FetchedPartition[] }[];
    }>;
  };
  export default response;
}
