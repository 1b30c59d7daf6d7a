/** How a key's partition is chosen from its hash: the remainder by the number of partitions. Never changes: keys would move. */
export function keyHash(key: string): number {
  return murmur2(Buffer.from(key)) & 0x7fffffff;
}

const multiplier = 0x5bd1e995;

/** Kafka's own hash of keys (org.apache.kafka.common.utils.Utils.murmur2): other clients of the log place keys alike. */
function murmur2(bytes: Buffer): number {
  const { length } = bytes;
  let hash = 0x9747b28c ^ length;
  const whole = length - (length % 4);
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(bytes.readInt32LE(at), multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  if (whole < length) {
    for (let at = length - 1; at >= whole; at -= 1) hash ^= (bytes[at] ?? 0) << ((at - whole) * 8);
    hash = Math.imul(hash, multiplier);
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}
