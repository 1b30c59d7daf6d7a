/*
 * A body is measured before it is parsed, and read as ever where it is small.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ProblemFilter } from './problem-filter.js';
import { readBoundedJson } from './read-json.js';

class Nothing {}

let app: NestFastifyApplication;

beforeEach(async () => {
  app = await NestFactory.create<NestFastifyApplication>({ module: Nothing }, new FastifyAdapter(), { logger: false });
  app.useGlobalFilters(new ProblemFilter(pino({ level: 'silent' })));
  readBoundedJson(app);
  app
    .getHttpAdapter()
    .getInstance()
    .post('/echo', async ({ body }) => body);
  await app.init();
});

afterEach(() => app.close());

async function send(payload: string) {
  const answer = await app.inject({
    method: 'POST',
    url: '/echo',
    payload,
    headers: { 'content-type': 'application/json; charset=utf-8' },
  });
  return { status: answer.statusCode, body: answer.json<{ code?: string; detail?: string }>() };
}

test('what is small is parsed', async () => {
  expect(await send('{"name":"Zoë"}')).toEqual({ status: 200, body: { name: 'Zoë' } });
});

test.each([
  ['nested 3,000 levels deep', `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`, 'too_deep'],
  ['with 50,000 values', `[${'0,'.repeat(50_000)}0]`, 'too_many_nodes'],
  ['with a key of 2,000 bytes', `{"${'k'.repeat(2000)}":1}`, 'key_too_long'],
])('a body %s is refused by name', async (_how, payload, limit) => {
  const { status, body } = await send(payload);
  expect([status, body.detail]).toEqual([400, expect.stringContaining(limit)]);
});
