/** Turns the data of one version of an event type into that of the next. Pure: the past is read with it for ever. */
export type Upcaster = (data: unknown) => unknown;

/**
 * For each event type whose data is not what it was at first: how version 1 becomes 2, then 2 becomes 3, and so on. A type that
 * is not here has the data it always had, or more. docs/protocol/schema-evolution.md says when a version rises.
 */
export const upcasters: Readonly<Record<string, readonly Upcaster[]>> = {
  // The same data, but for acts that a release before does not know: it sets them aside until it is upgraded, instead of as faults.
  // Version 2 came with acts of operators, 3 with those at endpoints and at keys for pushes, 4 with those of handing
  // messages over again.
  'audit.noted': [(data) => data, (data) => data, (data) => data],
};

/** @returns the version of an event type's data as this release writes it, from 1. */
export function newestVersion(type: string): number {
  return (upcasters[type]?.length ?? 0) + 1;
}
