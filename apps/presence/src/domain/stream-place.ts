import { bucketCount } from './buckets.js';

/** How far a reader of an app's changes has come: the last position it has of each bucket. */
export type StreamPlace = readonly number[];

const written = new RegExp(`^b[0-9a-z]{1,11}(\\.[0-9a-z]{1,11}){${bucketCount - 1}}$`);
/** What a place was before there were buckets: nothing can be gone on from by it. */
const outdated = /^\d{1,16}$/;

/** @returns the place as the id of an event: opaque to readers, 192 characters at most. */
export function writePlace(place: StreamPlace): string {
  return `b${place.map((position) => position.toString(36)).join('.')}`;
}

/** @returns `outdated` for an id of an earlier version, whose reader begins anew; undefined for what never was one. */
export function readPlace(id: string): StreamPlace | 'outdated' | undefined {
  if (outdated.test(id)) return 'outdated';
  if (!written.test(id)) return undefined;
  const place = id
    .slice(1)
    .split('.')
    .map((position) => Number.parseInt(position, 36));
  return place.every(Number.isSafeInteger) ? place : undefined;
}
