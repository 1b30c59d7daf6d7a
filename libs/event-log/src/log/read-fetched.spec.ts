/*
 * What a broker answers to a fetch is read as kafkajs reads it, whatever is in the records, and what is no answer is refused rather than believed.
 */
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { readFetched, readFetchedLazily } from './read-fetched.js';

interface Encoded {
  buffer: Buffer;
  writeInt16(value: number): Encoded;
  writeInt32(value: number): Encoded;
  writeInt64(value: bigint): Encoded;
  writeString(value: string): Encoded;
  writeArray(values: unknown[]): Encoded;
  writeBytes(value: Buffer): Encoded;
}
interface Written {
  key: Buffer | null;
  value: Buffer | null;
  timestampDelta: number;
  headers: Record<string, Buffer | Buffer[]>;
}

const require = createRequire(import.meta.url);
const from = (path: string) => require(`kafkajs/src/${path}`);
const Encoder = from('protocol/encoder') as new () => Encoded;
const RecordBatch = from('protocol/recordBatch/v0') as { RecordBatch: (batch: object) => Promise<Encoded> };
const Record = from('protocol/recordBatch/record/v0') as (record: object) => Encoded;
const Compression = (from('protocol/message/compression') as { Types: { GZIP: number } }).Types;
const response = from('protocol/requests/fetch/v11/response') as { decode: (bytes: Buffer) => Promise<object> };
const byKafkajs = response.decode;

async function batchOf(firstOffset: number, records: readonly Written[], more: object = {}): Promise<Buffer> {
  const encoded = records.map((one, offsetDelta) => Record({ ...one, offsetDelta }));
  const batch = await RecordBatch.RecordBatch({
    firstOffset,
    lastOffsetDelta: records.length - 1,
    firstTimestamp: 1_764_000_000_000,
    records: encoded,
    ...more,
  });
  return batch.buffer;
}

function answerOf(recordSets: readonly Buffer[]): Buffer {
  const partitions = recordSets.map((records, partition) =>
    new Encoder()
      .writeInt32(partition)
      .writeInt16(0)
      .writeInt64(900n)
      .writeInt64(901n)
      .writeInt64(0n)
      .writeArray([new Encoder().writeInt64(77n).writeInt64(3n)])
      .writeInt32(-1)
      .writeBytes(records),
  );
  const topic = new Encoder().writeString('calls.events').writeArray(partitions);
  return new Encoder().writeInt32(5).writeInt16(0).writeInt32(4711).writeArray([topic]).buffer;
}

/** What anybody asks of records. */
const asRead = (answer: unknown) =>
  JSON.parse(
    JSON.stringify(answer, (name, value) => {
      if (name !== 'messages') return value;
      return (
        value as {
          key: Buffer;
          value: Buffer;
          offset: string;
          timestamp: string;
          headers: object;
          isControlRecord: boolean;
          batchContext: { producerId: string; inTransaction: boolean };
        }[]
      ).map(({ key, value: data, offset, timestamp, headers, isControlRecord, batchContext: { producerId, inTransaction } }) => ({
        ...{ key, data, offset, timestamp, headers, isControlRecord, producerId, inTransaction },
      }));
    }),
  );

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const written = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  timestampDelta: fc.integer({ min: 0, max: 2 ** 40 }),
  headers: fc.dictionary(
    fc.string({ maxLength: 40 }).filter((name) => name !== '__proto__'),
    fc.oneof(bytes, fc.array(bytes, { minLength: 2, maxLength: 3 })),
    { maxKeys: 14 },
  ),
});
const records = (all: readonly (readonly Written[])[]) => all.flat().length;
const batches = fc.array(fc.array(written, { minLength: 1, maxLength: 6 }), { maxLength: 3 });

beforeAll(() => readFetchedLazily());

test('it is what kafkajs 2.2.4 calls when it has fetched', () => {
  expect(require('kafkajs/package.json').version).toBe('2.2.4');
  expect(response.decode).not.toBe(byKafkajs);
});

test('records are read as kafkajs reads them', async () => {
  await fc.assert(
    fc.asyncProperty(batches, fc.integer({ min: 0, max: 2 ** 50 }), fc.integer({ min: 0, max: 400 }), async (all, firstOffset, cut) => {
      const sets = await Promise.all(all.map((records, n) => batchOf(firstOffset + n * 100, records)));
      const whole = Buffer.concat(sets);
      // Brokers cut the last batch off where a limit is.
      const answer = answerOf([whole, Buffer.alloc(0), whole.subarray(0, Math.max(0, whole.length - cut))]);
      // It fails at a batch of which not even the head is whole, where this reads those before.
      const expected = await byKafkajs(answer).catch(() => undefined);
      if (expected) expect(asRead(readFetched(answer))).toEqual(asRead(expected));
      else expect(readFetched(answer)?.responses[0]?.partitions[2]?.messages.length).toBeLessThan(records(all));
    }),
    { numRuns: 200 },
  );
});

test('what is compressed or of a transaction is read as well', async () => {
  const records = [{ key: Buffer.from('key'), value: Buffer.from('value'), timestampDelta: 3, headers: { name: Buffer.from('of it') } }];
  const compressed = answerOf([await batchOf(5, records, { compression: Compression.GZIP })]);
  expect(readFetched(compressed)).toBeUndefined();
  expect(asRead(await response.decode(compressed))).toEqual(asRead(await byKafkajs(compressed)));
  const ofTransaction = answerOf([await batchOf(5, records, { transactional: true, producerId: 77 })]);
  expect(asRead(await response.decode(ofTransaction))).toEqual(asRead(await byKafkajs(ofTransaction)));
});

test('whatever bytes come, they are read or refused, and never more is read than there is', async () => {
  const record = { key: Buffer.from('key'), value: Buffer.from('value'), timestampDelta: 3, headers: { name: Buffer.from('of it') } };
  const good = answerOf([await batchOf(5, [record, record])]);
  const spoilt = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
    const copy = Buffer.from(good);
    copy[at] = byte;
    return copy;
  });
  fc.assert(
    fc.property(fc.oneof(spoilt, bytes), (answer) => {
      try {
        const messages = readFetched(answer)?.responses.flatMap(({ partitions }) => partitions.flatMap((one) => one.messages)) ?? [];
        for (const { key, value, headers } of messages) {
          const all = [key, value, ...Object.values(headers)].flat();
          expect(all.reduce((sum, one) => sum + (one?.length ?? 0), 0)).toBeLessThanOrEqual(answer.length);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { numRuns: 2000 },
  );
});
