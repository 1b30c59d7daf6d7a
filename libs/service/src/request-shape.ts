import 'reflect-metadata';
import type { z } from 'zod';

/** What a route parses of a request, as the decorators of its parameters say. */
export interface RequestShape {
  params: Readonly<Record<string, z.ZodType>>;
  query?: z.ZodType;
  body?: z.ZodType;
  /** Whether a request without a body is refused. */
  needsBody?: boolean;
  /** Whether an `Idempotency-Key` header stands for `commandId`. */
  isIdempotent?: boolean;
}

const key = Symbol('what a route parses');

/** Lets a parameter's decorator say what it parses, so that the API's document is made of what routes really do. */
export function parsing(shape: Partial<RequestShape>, decorator: ParameterDecorator): ParameterDecorator {
  return (target, method, index) => {
    if (method !== undefined) {
      const known = shapeOf(target, method);
      Reflect.defineMetadata(key, { ...known, ...shape, params: { ...known.params, ...shape.params } }, target, method);
    }
    decorator(target, method, index);
  };
}

/** @returns what a method of a controller's prototype parses. */
export function shapeOf(prototype: object, method: string | symbol): RequestShape {
  return (Reflect.getMetadata(key, prototype, method) as RequestShape | undefined) ?? { params: {} };
}
