import { z } from 'zod';

/** Turns the data of an event as one payload version has it into what the version before had. Pure: old versions are told by it for ever. */
export type Downcaster = (data: Readonly<Record<string, unknown>>) => Record<string, unknown>;

/** One payload version, named by the date on which it came. */
export interface PayloadVersion {
  name: string;
  /** For each event type whose data changed with this version: how its data becomes what the version before had. */
  downcasts: Readonly<Record<string, Downcaster>>;
}

/**
 * The versions of what endpoints are told, the oldest first. A version is added where data that is told loses a field, or a field
 * changes its name, type or meaning; fields and event types that are added need none. The first has nothing before it.
 */
export const payloadVersions: readonly [PayloadVersion, ...PayloadVersion[]] = [{ name: '2026-11-28', downcasts: {} }];

/** What is told, less the envelope: an event of the log as this release reads it. */
export interface Payload {
  type: string;
  data: Readonly<Record<string, unknown>>;
}

/** The version in which this release makes what it tells. */
export const newestPayloadVersion: string = (payloadVersions.at(-1) as PayloadVersion).name;

/** A payload version that is told. */
export const payloadVersionSchema = z.enum(payloadVersions.map(({ name }) => name) as [string, ...string[]]);

/**
 * @param payload in the newest version. @param version which the reader is pinned to.
 * @returns the data as that version has it: step by step from the newest to it.
 * @throws RangeError for a version that there never was.
 */
export function dataAs(
  { type, data }: Payload,
  version: string,
  versions: readonly PayloadVersion[] = payloadVersions,
): Readonly<Record<string, unknown>> {
  const pinned = versions.findIndex(({ name }) => name === version);
  if (pinned < 0) throw new RangeError(`There is no payload version ${version}`);
  return versions
    .slice(pinned + 1)
    .reverse()
    .reduce((newer, { downcasts }) => downcasts[type]?.(newer) ?? newer, data);
}
