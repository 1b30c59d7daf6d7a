import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ProblemError } from '../problem-error.js';

/** What a list was asked for, less how much of it: only the same question goes on from where a page of it ended. */
export type Question = Readonly<Record<string, string | readonly string[] | null | undefined>>;

const message = 'use the nextCursor of the page before, and ask for the same';

/**
 * Writes where a page ended, opaque to whoever asked. It holds nothing secret: whoever makes one up reads on in what may be read
 * anyway, from elsewhere.
 */
export function writeCursor(question: Question, position: readonly string[]): string {
  return Buffer.from(JSON.stringify([markOf(question), ...position])).toString('base64url');
}

/**
 * @param position the shape of a place in the list, which is told nothing else than {@link writeCursor} was.
 * @returns the place to go on from; undefined where there is no cursor.
 * @throws ProblemError `invalid_request` for a cursor that is malformed, or another question's.
 */
export function readCursor<S extends z.ZodTuple>(question: Question, position: S, cursor: string | undefined): z.output<S> | undefined {
  if (cursor === undefined) return undefined;
  const [mark, ...place] = partsOf(cursor);
  const parsed = position.safeParse(place);
  if (mark === markOf(question) && parsed.success) return parsed.data;
  throw new ProblemError('invalid_request', `cursor: ${message}`, { fields: [{ field: 'cursor', message }] });
}

function partsOf(cursor: string): unknown[] {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(cursor, 'base64url'));
    return z.array(z.string()).max(8).safeParse(JSON.parse(text)).data ?? [];
  } catch {
    return [];
  }
}

/** 72 bits of a hash: enough to tell questions apart, and short in a URL. */
function markOf(question: Question): string {
  const said = Object.entries(question)
    .filter(([, value]) => value !== null && value !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(said)).digest('base64url').slice(0, 12);
}
