import { z } from 'zod';

const refused = 'leave out NUL (U+0000) and lone surrogates (U+D800 to U+DFFF): no database keeps them';

/** @returns whether a text can be stored and told: PostgreSQL keeps no NUL, and UTF-8 has no lone surrogates. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/** @returns whether every key and every text in a JSON value is storable, however deep it lies. */
function isStorableJson(value: unknown): boolean {
  const waiting = [value];
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next === 'string' && !isStorable(next)) return false;
    if (typeof next !== 'object' || next === null) continue;
    for (const [key, inner] of Object.entries(next)) {
      if (!isStorable(key)) return false;
      waiting.push(inner);
    }
  }
  return true;
}

/** Text that is stored or told to others: every such string at a door is one of these, or has a pattern that is stricter. */
export const text = () => z.string().refine(isStorable, { message: refused });

/**
 * A web address that is stored or told to others: never one that runs a script or holds a document, such as `javascript:` and `data:`.
 * Whether it may be http is the profile's to say, and of some addresses more is asked: see `libs/service`, `arrivals/`.
 */
export const webAddress = () =>
  z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .refine(isStorable, { message: refused });

/** A moment that a database keeps: the year 0 is none, and what tells of less than a microsecond is dropped anyway. */
export const moment = () =>
  z.iso
    .datetime()
    .max(32)
    .refine((text) => !text.startsWith('0000'), { message: 'there is no year 0' });

/** Where a page of a list ended, as its `nextCursor` says; opaque. */
export const cursorSchema = z
  .string()
  .max(1024)
  .regex(/^[A-Za-z0-9_-]+$/, 'use the nextCursor of the page before');

/** A place in an app's events: by a cursor, by `start` or `end`, by a time, or by a position as messages say it. */
export const pointSchema = z
  .union([moment(), cursorSchema])
  .describe(
    'end, start, the cursor or the position of the event before, or a moment such as 2026-11-28T09:30:00Z, from which on events are read',
  );

/** For JSON of any shape that is stored or told to others. */
export const storableJson = { check: isStorableJson, message: refused };
