/*
 * What a request brings is parsed by its schema. The public door wants unknown fields refused; services among themselves, of
 * which one may be a release ahead, leave them out.
 */
import type { ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { ProblemError } from './problem-error.js';
import { JsonBody, NeededBody, QueryString } from './zod-input.js';

const bodySchema = z.object({ callees: z.array(z.string()).default([]), ringSeconds: z.int().optional() });
const querySchema = z.object({ limit: z.coerce.number().optional() }).strict();

interface Asked {
  headers?: { prefer?: string };
  body?: unknown;
  query?: unknown;
}

/** @returns what a handler would be given by a decorator, as Nest works it out. */
function given(decorator: ParameterDecorator, request: Asked): unknown {
  class Handlers {
    handle(_input: unknown): void {}
  }
  decorator(Handlers.prototype, 'handle', 0);
  const metadata = Reflect.getMetadata(ROUTE_ARGS_METADATA, Handlers, 'handle') as Record<
    string,
    { factory: (data: unknown, context: ExecutionContext) => unknown }
  >;
  const context = { switchToHttp: () => ({ getRequest: () => ({ headers: {}, ...request }) }) } as unknown as ExecutionContext;
  return Object.values(metadata)[0]?.factory(undefined, context);
}

function faults(decorator: ParameterDecorator, request: Asked): string[] {
  try {
    given(decorator, request);
    return [];
  } catch (error) {
    return (error as ProblemError).fields?.map(({ field, message }) => `${field}: ${message}`) ?? [];
  }
}

const strict = { headers: { prefer: 'handling=strict' } };

test('the door is told of unknown fields, beside every other fault', () => {
  expect(given(JsonBody(bodySchema), { ...strict, body: { callees: ['bob'] } })).toEqual({ callees: ['bob'] });
  expect(faults(JsonBody(bodySchema), { ...strict, body: { callee: ['bob'], ringSeconds: 'long' } })).toEqual([
    'callee: is not known here; the nearest that is: callees',
    expect.stringContaining('ringSeconds: '),
  ]);
});

test('a service that is a release ahead may send more', () => {
  expect(given(JsonBody(bodySchema), { body: { callees: ['bob'], addedLater: true } })).toEqual({ callees: ['bob'] });
});

test('a query is told once of a field it does not have', () => {
  expect(given(QueryString(querySchema), { ...strict, query: { limit: '5' } })).toEqual({ limit: 5 });
  expect(faults(QueryString(querySchema), { ...strict, query: { limits: '5' } })).toEqual([
    'limits: is not known here; the nearest that is: limit',
  ]);
});

test('a body may be left out, but not where it is needed', () => {
  expect(given(JsonBody(bodySchema), {})).toEqual({ callees: [] });
  expect(faults(NeededBody(bodySchema), {})).toEqual([expect.stringContaining('(body): ')]);
  expect(given(NeededBody(bodySchema), { body: {} })).toEqual({ callees: [] });
});
