// Not a part of kafkajs' face: its version is pinned, and the spec beside this file fails where it is another.
import fetchResponse from 'kafkajs/src/protocol/requests/fetch/v11/response.js';
import { FetchedRecord, type RecordBatch } from './fetched-record.js';
import { Place } from './place.js';

type Decode = (typeof fetchResponse)['decode'];
type Fetched = Awaited<ReturnType<Decode>>;

const decodeAll: Decode = fetchResponse.decode;

/** Where things stand in a batch of records, by bytes from its beginning (https://kafka.apache.org/39/documentation/#recordbatch). */
const batchAt = { length: 8, magic: 16, attributes: 21, firstTimestamp: 27, maxTimestamp: 35, producerId: 43, count: 57, records: 61 };
/** What stands before a batch's length, and that itself. */
const beforeLength = 12;
const flags = { compression: 0x7, logAppendTime: 0x8, transactional: 0x10, control: 0x20 };

/**
 * kafkajs 2.2.4 makes of each record it fetches some forty objects, of which a copy of all headers for each header is most: twice what a service
 * then does with the record, and most of what it does with those that it passes over. What is read here instead is the same, but that
 * a part of a record is read when somebody asks for it. Compressed batches, and those of before Kafka 0.11, are left to kafkajs.
 */
export function readFetchedLazily(): void {
  fetchResponse.decode = async (bytes) => readFetched(bytes) ?? decodeAll(bytes);
}

/**
 * Reads the answer to a Fetch in version 11.
 * @returns undefined where it has batches that are not plain.
 * @throws RangeError where it is none.
 */
export function readFetched(bytes: Buffer): Fetched | undefined {
  const place = new Place(bytes, 0);
  let isPlain = true;
  const messages = () => {
    const length = Math.max(0, place.int32());
    const end = place.at + length;
    // As kafkajs has it: what was cut off by a limit is no message.
    const found = end <= bytes.length ? readBatches(bytes, place.at, end) : [];
    place.at = end;
    isPlain &&= found !== undefined;
    return found ?? [];
  };
  const partition = () => ({
    partition: place.int32(),
    errorCode: place.int16(),
    highWatermark: place.int64(),
    lastStableOffset: place.int64(),
    lastStartOffset: place.int64(),
    abortedTransactions: place.list(() => ({ producerId: place.int64(), firstOffset: place.int64() })),
    preferredReadReplica: place.int32(),
    messages: messages(),
  });
  // Whoever is throttled waits by himself, so that kafkajs need not.
  const head = { throttleTime: 0, clientSideThrottleTime: place.int32(), errorCode: place.int16(), sessionId: place.int32() };
  const responses = place.list(() => ({ topicName: place.text(), partitions: place.list(partition) }));
  return isPlain ? { ...head, responses } : undefined;
}

/** @returns the records of the batches between two places but for one that was cut off; undefined where one is not plain. */
function readBatches(bytes: Buffer, from: number, end: number): FetchedRecord[] | undefined {
  const records: FetchedRecord[] = [];
  for (let at = from; at + batchAt.records <= end; ) {
    const next = at + beforeLength + bytes.readInt32BE(at + batchAt.length);
    const attributes = bytes.readInt16BE(at + batchAt.attributes);
    if (bytes[at + batchAt.magic] !== 2 || (attributes & flags.compression) !== 0) return undefined;
    if (next > end) break;
    const batch: RecordBatch = {
      firstOffset: Number(bytes.readBigInt64BE(at)),
      firstTimestamp: Number(bytes.readBigInt64BE(at + batchAt.firstTimestamp)),
      maxTimestamp: Number(bytes.readBigInt64BE(at + batchAt.maxTimestamp)),
      isLogAppendTime: (attributes & flags.logAppendTime) !== 0,
      isControlRecord: (attributes & flags.control) !== 0,
      context: {
        producerId: String(bytes.readBigInt64BE(at + batchAt.producerId)),
        inTransaction: (attributes & flags.transactional) !== 0,
      },
    };
    const place = new Place(bytes, at + batchAt.records);
    for (let left = bytes.readInt32BE(at + batchAt.count); left > 0; left -= 1) {
      const length = place.varint();
      const recordEnd = place.at + length;
      if (length < 0 || recordEnd > next) throw new RangeError('a record of the log is longer than its batch');
      records.push(new FetchedRecord(bytes, place.at, recordEnd, batch));
      place.at = recordEnd;
    }
    at = next;
  }
  return records;
}
