/*
 * Whatever a handler throws, its request gets a problem document that tells nothing of it, and the next request is answered.
 */
import 'reflect-metadata';
import { Controller, Get, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ProblemError } from './problem-error.js';
import { ProblemFilter } from './problem-filter.js';

const circular: { self?: object } = {};
circular.self = circular;

const thrown: Record<string, unknown> = {
  bug: new TypeError('secret detail'),
  deep: new RangeError('Maximum call stack size exceeded'),
  text: 'secret detail',
  nothing: undefined,
  null: null,
  circular,
  refusal: new ProblemError('forbidden', 'not you'),
  limited: new ProblemError('rate_limited', 'later', { retryAfterSeconds: 7 }),
  away: Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }),
};

class Throwing {
  async throws(what: string): Promise<unknown> {
    if (what in thrown) throw thrown[what];
    return what === 'unsendable' ? circular : { what };
  }
}
Controller('throw')(Throwing);
Get(':what')(Throwing.prototype, 'throws', Object.getOwnPropertyDescriptor(Throwing.prototype, 'throws') as PropertyDescriptor);
Param('what')(Throwing.prototype, 'throws', 0);

class Module {}
let app: NestFastifyApplication;

beforeAll(async () => {
  app = await NestFactory.create<NestFastifyApplication>({ module: Module, controllers: [Throwing] }, new FastifyAdapter(), {
    logger: false,
  });
  app.useGlobalFilters(new ProblemFilter(pino({ level: 'silent' })));
  await app.init();
});

afterAll(() => app.close());

test.each([
  ['bug', 500, 'internal_error'],
  ['deep', 500, 'internal_error'],
  ['text', 500, 'internal_error'],
  ['nothing', 500, 'internal_error'],
  ['null', 500, 'internal_error'],
  ['circular', 500, 'internal_error'],
  ['refusal', 403, 'forbidden'],
  ['limited', 429, 'rate_limited'],
  ['away', 503, 'service_unavailable'],
])('%s: %d %s, and on it goes', async (what, status, code) => {
  const answer = await app.inject({ method: 'GET', url: `/throw/${what}` });
  expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([status, code]);
  expect(answer.body).not.toContain('secret detail');
  expect((await app.inject({ method: 'GET', url: '/throw/no' })).json()).toEqual({ what: 'no' });
});

test('when to come again is told where proxies look for it, too', async () => {
  const { headers } = await app.inject({ method: 'GET', url: '/throw/limited' });
  expect(headers['retry-after']).toBe('7');
  expect((await app.inject({ method: 'GET', url: '/throw/refusal' })).headers).not.toHaveProperty('retry-after');
});
