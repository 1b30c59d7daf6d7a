/*
 * Every text that can arrive by a route or a frame is one that a database keeps and an event may hold, and has an end: whichever field
 * is added next, this finds it.
 */
import { resolve } from 'node:path';
import { clientFrameSchema, mediaClientFrameSchema } from '@communication-center/contracts';
import { type InternalEndpoint, internal } from '@communication-center/contracts/internal';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { publicRoutes } from './public-routes.js';

/** What no schema may let through as a text, in the shapes that some field or other asks for. */
const bad = ['\0', '\ud800', '\udc00'];
const around = ['', 'a', 'https://example.org/', 'a@example.org', 'call.', 'de-', '2026-01-01T00:00:00.000Z', '+4912345', 'b1.1'];
const unkeepable = bad.flatMap((one) => around.flatMap((start) => [`${start}${one}`, `${start}${one}${start}`, `${one}${start}`]));
const endless = [...'a1.-:/ €'].map((letter) => letter.repeat(262_145)).concat(`https://example.org/${'a'.repeat(262_145)}`);

/** @returns the schemas of all texts within a schema, with where they are; those that refine a text go with it. */
function textsIn(schema: z.core.$ZodType, path: string, seen = new Set<unknown>()): [path: string, schema: z.ZodType][] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const within = (inner: z.core.$ZodType, name = '') => textsIn(inner, name ? `${path}.${name}` : path, new Set(seen));
  if (schema instanceof z.ZodObject) return Object.entries(schema.shape).flatMap(([name, field]) => within(field as z.ZodType, name));
  if (schema instanceof z.ZodArray) return within(schema.element, '[]');
  if (schema instanceof z.ZodTuple) return schema.def.items.flatMap((item) => within(item));
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => within(option));
  if (schema instanceof z.ZodIntersection) return [...within(schema.def.left), ...within(schema.def.right)];
  if (schema instanceof z.ZodPipe) return within(schema.def.out);
  const wraps = [z.ZodOptional, z.ZodNullable, z.ZodDefault, z.ZodPrefault];
  if (wraps.some((kind) => schema instanceof kind)) return within((schema as z.ZodOptional).unwrap());
  if (schema instanceof z.ZodRecord) return [[`${path}{}`, z.preprocess((text) => ({ [String(text)]: text }), schema)]];
  if (schema instanceof z.ZodString || schema instanceof z.ZodStringFormat) return [[path, schema]];
  const holdNone = [z.ZodNumber, z.ZodBoolean, z.ZodEnum, z.ZodLiteral, z.ZodNull];
  if (holdNone.some((kind) => schema instanceof kind)) return [];
  throw new Error(`${path}: teach this test what a schema of type ${schema._zod.def.type} holds`);
}

const routes = await publicRoutes(resolve(import.meta.dirname, '../../..'));
const doors: [where: string, schema: z.ZodType][] = [
  ...routes.flatMap(({ method, path, params, query, body }) => {
    const parts: [string, z.ZodType | undefined][] = [...Object.entries(params), ['query', query], ['body', body]];
    return parts.flatMap(([part, schema]): [string, z.ZodType][] => (schema ? [[`${method} ${path} ${part}`, schema]] : []));
  }),
  ...Object.values<InternalEndpoint>(internal).flatMap(({ path, params, query, body }) =>
    Object.entries({ params, query, body }).flatMap(([part, schema]): [string, z.ZodType][] =>
      schema ? [[`${path} ${part}`, schema]] : [],
    ),
  ),
  ['client frames', clientFrameSchema],
  ['media frames', mediaClientFrameSchema],
];
const texts = doors.flatMap(([where, schema]) => textsIn(schema, where));

test('routes and frames hold texts', () => {
  expect(texts.length).toBeGreaterThan(100);
});

test.each(texts)('%s lets no text through that cannot be kept, and none without an end', (_where, schema) => {
  const takes = (text: string) => schema.safeParse(text).success;
  expect(unkeepable.filter(takes)).toEqual([]);
  expect(endless.filter(takes).map((text) => text.slice(0, 40))).toEqual([]);
});
