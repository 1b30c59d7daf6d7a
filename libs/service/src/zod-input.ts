import { createParamDecorator, type ExecutionContext, Param, type PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { parseInput, parseStrictly } from './problem-error.js';
import { parsing } from './request-shape.js';

class ZodPipe implements PipeTransform {
  readonly #schema: z.ZodType;

  constructor(schema: z.ZodType) {
    this.#schema = schema;
  }

  transform(value: unknown): unknown {
    return parseInput(this.#schema, value ?? {});
  }
}

interface InputRequest {
  headers: { prefer?: string };
  body?: unknown;
  query?: unknown;
}

/**
 * Whether fields that are not known are refused by name (RFC 7240 §4.4): the public door wants that of whatever the world
 * asks. Services among themselves are lenient, since one of them may be a release ahead.
 */
function wantsStrict({ headers: { prefer } }: InputRequest): boolean {
  return prefer === 'handling=strict';
}

/** Parses what a request brought. @throws ProblemError `invalid_request` that names every faulty field. */
export function parseOfRequest<S extends z.ZodType>(schema: S, input: unknown, request: InputRequest): z.infer<S> {
  return wantsStrict(request) ? parseStrictly(schema, input) : parseInput(schema, input);
}

function parsedPart(schema: z.ZodType, partOf: (request: InputRequest) => unknown): ParameterDecorator {
  return createParamDecorator((_: unknown, context: ExecutionContext) => {
    const request = context.switchToHttp().getRequest<InputRequest>();
    return parseOfRequest(schema, partOf(request), request);
  })();
}

/** The request's JSON body, parsed by a schema of the contracts; `{}` where there is none. */
export const JsonBody = (schema: z.ZodType) =>
  parsing(
    { body: schema },
    parsedPart(schema, ({ body }) => body ?? {}),
  );
/** As {@link JsonBody}, for what must be said: a request without a body is refused. */
export const NeededBody = (schema: z.ZodType) =>
  parsing(
    { body: schema, needsBody: true },
    parsedPart(schema, ({ body }) => body),
  );
/** One path parameter, parsed. */
export const PathParam = (name: string, schema: z.ZodType) => parsing({ params: { [name]: schema } }, Param(name, new ZodPipe(schema)));
/** The query string, parsed. */
export const QueryString = (schema: z.ZodType) =>
  parsing(
    { query: schema },
    parsedPart(schema, ({ query }) => query ?? {}),
  );
