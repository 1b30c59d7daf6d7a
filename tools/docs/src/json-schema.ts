import { z } from 'zod';

/** @returns a contract as JSON Schema 2020-12, as it is sent (`input`) or received (`output`). */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any', reused: 'inline' });
  return rest;
}
