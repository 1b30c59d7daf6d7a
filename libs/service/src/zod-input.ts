import { Body, Param, type PipeTransform, Query } from '@nestjs/common';
import type { z } from 'zod';
import { parseInput } from './problem-error.js';

class ZodPipe implements PipeTransform {
  readonly #schema: z.ZodType;

  constructor(schema: z.ZodType) {
    this.#schema = schema;
  }

  transform(value: unknown): unknown {
    return parseInput(this.#schema, value ?? {});
  }
}

/** The request's JSON body, parsed by a schema of the contracts. */
export const JsonBody = (schema: z.ZodType) => Body(new ZodPipe(schema));
/** One path parameter, parsed. */
export const PathParam = (name: string, schema: z.ZodType) => Param(name, new ZodPipe(schema));
/** The query string, parsed. */
export const QueryString = (schema: z.ZodType) => Query(new ZodPipe(schema));
