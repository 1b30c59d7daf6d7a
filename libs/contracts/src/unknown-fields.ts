import { z } from 'zod';
import type { ProblemField } from './problems.js';

/** So many are named; a body may hold thousands. */
const namedFields = 20;
/** Names longer than this are no misspelling, and would cost time. */
const comparedLength = 64;

/**
 * Finds fields of an input that its schema does not have: most are misspelt, and left out without a word they would do nothing.
 * @returns the first twenty, each with the name that was probably meant. Free data, such as `customData`, has no unknown fields.
 */
export function unknownFields(schema: z.core.$ZodType, input: unknown): ProblemField[] {
  const found: ProblemField[] = [];
  for (const field of unknownIn(schema, input, [])) {
    found.push(field);
    if (found.length === namedFields) break;
  }
  return found;
}

function* unknownIn(schema: z.core.$ZodType, input: unknown, path: readonly (string | number)[]): Generator<ProblemField> {
  const shaped = withoutWrapping(schema);
  if (shaped instanceof z.ZodArray && Array.isArray(input)) {
    for (const [index, element] of input.entries()) yield* unknownIn(shaped.element, element, [...path, index]);
  }
  if (!(shaped instanceof z.ZodObject) || typeof input !== 'object' || input === null || Array.isArray(input)) return;
  for (const [name, value] of Object.entries(input)) {
    const known = Object.hasOwn(shaped.shape, name) ? shaped.shape[name] : undefined;
    if (known) yield* unknownIn(known, value, [...path, name]);
    else yield { field: [...path, name.slice(0, comparedLength)].join('.'), message: unknownMessage(name, shaped.shape) };
  }
}

function withoutWrapping(schema: z.core.$ZodType): z.core.$ZodType {
  const wraps = [z.ZodOptional, z.ZodNullable, z.ZodDefault, z.ZodPrefault];
  const wrapping = wraps.find((kind) => schema instanceof kind);
  return wrapping ? withoutWrapping((schema as z.ZodOptional).unwrap()) : schema;
}

function unknownMessage(name: string, shape: z.core.$ZodShape): string {
  const known = Object.keys(shape).map((field) => ({ field, letters: distance(name, field) }));
  const nearest = Math.min(...known.map(({ letters }) => letters));
  const meant = known.find(({ letters }) => letters === nearest);
  return meant ? `is not known here; the nearest that is: ${meant.field}` : 'is not known here: nothing may be sent';
}

/**
 * How many letters must be put in, taken out or changed to make one name of another, whatever their case (Levenshtein); a name
 * that is a part of the other, as `user` is of `userAlias`, is one away.
 */
function distance(one: string, other: string): number {
  const [from, to] = [one, other].map((name) => name.slice(0, comparedLength).toLowerCase()) as [string, string];
  if (Math.min(from.length, to.length) > 2 && from !== to && (from.includes(to) || to.includes(from))) return 1;
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= to.length; at += 1) {
      const changed = (row[at - 1] ?? 0) + (to[at - 1] === letter ? 0 : 1);
      next.push(Math.min(changed, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
