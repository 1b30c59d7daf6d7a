import { RequestMethod, type Type } from '@nestjs/common';
import { HTTP_CODE_METADATA, METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { type RequestShape, shapeOf } from './request-shape.js';
import { isOpenToNobody } from './subject.js';

/** A route as Nest has it. */
export interface Route extends RequestShape {
  method: string;
  /** With `{name}` for each path parameter. */
  path: string;
  /** Of an answer that is no refusal. */
  status: number;
  isOpenToNobody: boolean;
}

/** @returns the routes of a controller; none for a class that is no controller. */
export function routesOf(controller: Type): Route[] {
  const prefix: unknown = Reflect.getMetadata(PATH_METADATA, controller);
  if (typeof prefix !== 'string') return [];
  const { prototype } = controller as { prototype: Record<string, object> };
  const methods = Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
  return methods.flatMap((name) => {
    const handler = prototype[name];
    const path: unknown = typeof handler === 'function' ? Reflect.getMetadata(PATH_METADATA, handler) : undefined;
    if (handler === undefined || typeof path !== 'string') return [];
    const method = RequestMethod[Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod];
    const status = Reflect.getMetadata(HTTP_CODE_METADATA, handler) ?? (method === 'POST' ? 201 : 200);
    const joined = `/${[prefix, path]
      .map((part) => part.replace(/^\/|\/$/g, ''))
      .filter((part) => part !== '')
      .join('/')}`;
    return [
      {
        method,
        path: joined.replace(/:(\w+)/g, '{$1}'),
        status,
        isOpenToNobody: isOpenToNobody(handler, controller),
        ...shapeOf(prototype, name),
      },
    ];
  });
}
