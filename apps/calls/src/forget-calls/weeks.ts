/*
 * The id of a call is a UUIDv7, which begins with the time of its dial: the calls of a week are a range of ids, and what is kept
 * by call id is kept by time.
 */

export const dayMs = 86_400_000;
export const weekMs = 7 * dayMs;
/** The first Monday of 1970. */
const firstMonday = 4 * dayMs;

/** @returns when the week of a time began: Monday, midnight, UTC; in milliseconds since 1970, as all times here. */
export function weekOf(time: number): number {
  return Math.floor((time - firstMonday) / weekMs) * weekMs + firstMonday;
}

/** @returns the least id that a call, or an event, of a time can have. */
export function firstIdAt(time: number): string {
  const hex = Math.floor(time).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** @returns the time an id begins with. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** @returns the partition of `events` for the calls of a week, such as `events_20261130`. */
export function tableOfWeek(start: number): string {
  return `events_${new Date(start).toISOString().slice(0, 10).replaceAll('-', '')}`;
}

/** No call lasts longer, not even one whose end an outage put off. */
export const longestCallMs = 2 * dayMs;

/**
 * @returns from when on calls are kept so that each is kept for so many days after its end: the beginning of a week, as weeks go
 * as a whole.
 */
export function keptFrom(now: number, keepDays: number): number {
  return weekOf(now - keepDays * dayMs - longestCallMs);
}
