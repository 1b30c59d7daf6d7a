/** A key lies in the partition where every other client of Kafka would put it. */
import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { expect, test } from 'vitest';
import { keyHash } from './key-partition.js';

const partitionMetadata = Array.from({ length: 48 }, (_, partitionId) => ({ partitionId, leader: 1 })) as never;

test('a key is put into the partition that kafkajs and the Java client choose', () => {
  const partitioner = Partitioners.DefaultPartitioner();
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 0, maxLength: 300 }), (key) => {
      expect(keyHash(key) % 48).toBe(partitioner({ topic: 't', partitionMetadata, message: { key, value: null } }));
    }),
    { numRuns: 2000 },
  );
  // From the Java client's own tests: murmur2("21") = -973932308.
  expect(keyHash('21')).toBe(-973932308 & 0x7fffffff);
});
