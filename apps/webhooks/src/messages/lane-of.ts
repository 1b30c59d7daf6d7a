import { createHash } from 'node:crypto';

/** Lanes of apps: a lane has one owner among the replicas. */
export const laneCount = 16;

const lanesKnown = new Map<string, number>();
const mostKnown = 10_000;

/** @returns the lane of an app: which one is said by the database as well, for endpoints. */
export function laneOf(appId: string): number {
  const known = lanesKnown.get(appId);
  if (known !== undefined) return known;
  const lane = (createHash('md5').update(appId).digest()[0] ?? 0) % laneCount;
  if (lanesKnown.size >= mostKnown) lanesKnown.clear();
  lanesKnown.set(appId, lane);
  return lane;
}
