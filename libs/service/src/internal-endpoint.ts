import type { Inquiry, InternalEndpoint } from '@communication-center/contracts/internal';
import { callersOf } from '@communication-center/contracts/services';
import { applyDecorators, createParamDecorator, type ExecutionContext, HttpCode, RequestMapping, RequestMethod } from '@nestjs/common';
import type { z } from 'zod';
import type { Hijackable } from './lines.js';
import { parseInput } from './problem-error.js';
import { requireService, subjectOf } from './subject.js';

type InLines<E extends InternalEndpoint> = (inquiry: Inquiry<E>, reply: Hijackable) => Promise<void>;

type Serving<E extends InternalEndpoint> = (
  target: object,
  name: string | symbol,
  method: { value?: E extends { inLines: true } ? InLines<E> : (inquiry: Inquiry<E>) => Promise<z.input<E['answer']>> },
) => void;

/**
 * Marks the method that answers an internal endpoint: it gets what {@link InquiryOf} parsed, and answers what the contract says. One
 * that answers in lines writes them with `answerInLines`.
 */
export function Serves<E extends InternalEndpoint>(endpoint: E): Serving<E> {
  return applyDecorators(RequestMapping({ path: endpoint.path, method: RequestMethod[endpoint.method] }), HttpCode(200));
}

/**
 * What another service asks, parsed by the contract. Fields that are not known are left out: the caller may be a release ahead.
 * @throws ProblemError `forbidden` for whoever is no service that the registry lets ask this, `invalid_request` that names every faulty field.
 */
export const InquiryOf = (endpoint: InternalEndpoint) =>
  createParamDecorator((_: unknown, context: ExecutionContext) => {
    const request = context.switchToHttp().getRequest();
    requireService(subjectOf(request), callersOf(endpoint));
    const { params, query, body } = endpoint;
    return {
      ...(params && { params: parseInput(params, request.params ?? {}) }),
      ...(query && { query: parseInput(query, request.query ?? {}) }),
      ...(body && { body: parseInput(body, request.body ?? {}) }),
    };
  })();
