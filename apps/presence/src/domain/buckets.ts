import type { UserAlias } from '@communication-center/contracts';

/** An app's people are shared out over so many buckets. Each has an order of its own; a person stays in one for good. */
export const bucketCount = 16;

/** @returns the bucket of a person: FNV-1a, so that it is the same in every process and version. */
export function bucketOf(userAlias: UserAlias): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(userAlias)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return ((hash ^ (hash >>> 16)) >>> 0) % bucketCount;
}
