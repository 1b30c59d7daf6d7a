/** Ids of entries are UUIDs of version 7: they begin with their time, and lie in its order. */

/** @returns the least id of a moment. @param ms since 1970. */
export function idAt(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

/** @returns when an id was made, in milliseconds since 1970. */
export function timeOf(entryId: string): number {
  return Number.parseInt(entryId.replace('-', '').slice(0, 12), 16);
}
