/*
 * A body is measured before it is parsed, and read as ever where it is small.
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ProblemFilter } from '../problem-filter.js';
import { readBoundedJson } from './read-json.js';

class Nothing {}

let app: NestFastifyApplication;

beforeEach(async () => {
  app = await NestFactory.create<NestFastifyApplication>({ module: Nothing }, new FastifyAdapter(), { logger: false });
  app.useGlobalFilters(new ProblemFilter(pino({ level: 'silent' })));
  readBoundedJson(app, ['/forms/:id']);
  const server = app.getHttpAdapter().getInstance();
  server.post('/echo', async ({ body }) => body);
  server.post('/forms/:id', async ({ body }) => body ?? { none: true });
  await app.init();
});

afterEach(() => app.close());

async function send(payload: string | Buffer, type = 'application/json; charset=utf-8', url = '/echo') {
  const answer = await app.inject({
    method: 'POST',
    url,
    payload,
    headers: { 'content-type': type },
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

test.each([
  ['overlong', Buffer.from([0x22, 0xc0, 0x80, 0x22])],
  ['of a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ['cut off', Buffer.from([0x22, 0xe2, 0x82, 0x22])],
])('bytes that are %s are refused, not read as something else', async (_how, payload) => {
  const { status, body } = await send(payload);
  expect([status, body]).toEqual([400, expect.objectContaining({ code: 'invalid_request', detail: expect.stringContaining('not_utf8') })]);
});

test.each(['application/x-www-form-urlencoded', 'text/plain', 'application/xml'])('a body of %s is refused', async (type) => {
  const { status, body } = await send('name=a', type);
  expect([status, body.code]).toEqual([400, 'invalid_request']);
});

test('a form is read where the route is for forms, as texts and within bounds; what names it cannot have are names like others', async () => {
  const form = (payload: string) => send(payload, 'application/x-www-form-urlencoded; charset=UTF-8', '/forms/1');
  expect((await form('To=%2B49151&MessageStatus=delivered&__proto__=x')).body).toEqual(
    JSON.parse('{"To":"+49151","MessageStatus":"delivered","__proto__":"x"}'),
  );
  expect((await form(`a=${'x'.repeat(17_000)}`)).body).toEqual({ none: true });
  expect((await form(Array.from({ length: 101 }, (_, n) => `f${n}=1`).join('&'))).body).toEqual({ none: true });
});
