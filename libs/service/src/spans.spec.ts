/*
 * Spans are told to a collector, where one is set, as parts of the very traces that log lines name; a trace that began elsewhere
 * goes on, and nobody waits for a collector that is away.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@communication-center/testing';
import fastify from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { beginSpan, exportSpans, inSpan, stopExport } from './spans.js';
import { currentTraceId, currentTraceparent, inNewTrace, traceFields, traceIdOf } from './trace.js';
import { traceRequests } from './trace-requests.js';
import { tracedEvents } from './traced-events.js';

interface ToldSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  status: { code?: number };
  attributes: { key: string; value: Record<string, unknown> }[];
}

const before = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const traceId = traceIdOf(before) as string;
const server = 2;
const consumer = 5;
const failed = 2;

let received: { service: unknown; span: ToldSpan }[];
let errors: unknown[];
let collector: ReturnType<typeof createServer>;
let url: string;

beforeEach(async () => {
  [received, errors] = [[], []];
  collector = createServer((request, response) => {
    let text = '';
    request.on('data', (data) => {
      text += data;
    });
    request.on('end', () => {
      expect([request.url, request.headers['content-type']]).toEqual(['/v1/traces', 'application/json']);
      for (const { resource, scopeSpans } of JSON.parse(text).resourceSpans) {
        const service = resource.attributes.find(({ key }: { key: string }) => key === 'service.name').value.stringValue;
        for (const { spans } of scopeSpans) received.push(...spans.map((span: ToldSpan) => ({ service, span })));
      }
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await stopExport();
  await new Promise((resolve) => collector.close(resolve));
});

const start = () => exportSpans('calls', url, (error) => errors.push(error));
const spanOf = (name: string) =>
  eventually(`the span ${name}`, () => received.find(({ span }) => span.name === name)?.span).then((span) => span as ToldSpan);
const attributesOf = ({ attributes }: ToldSpan) => Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

test('without a collector a span is a mere step of its trace', async () => {
  const span = beginSpan({ name: 'a request', kind: 'server', parent: before });
  expect([traceIdOf(span.traceparent), span.traceparent === before]).toEqual([traceId, false]);
  span.end();
  await inNewTrace(async () => {
    const own = currentTraceparent();
    expect(await inSpan('a step', async () => currentTraceparent())).toBe(own);
  });
});

test('a request goes on with the trace it names; what it has done within it is a part of it', async () => {
  await start();
  const lines: object[] = [];
  const log = { info: (line: object) => lines.push({ ...line, ...traceFields() }), debug: () => undefined };
  const app = fastify();
  traceRequests(app, log as never);
  app.post('/v1/calls/:callId/answer', async (_request, reply) => {
    await inSpan('AnswerCall', async () => undefined);
    return reply.status(503).send({ traceId: currentTraceId() });
  });
  const at = await app.listen({ port: 0 });
  const answer = await fetch(`${at}/v1/calls/7/answer?secret=1`, { method: 'POST', headers: { traceparent: before }, body: '{}' });
  expect(await answer.json()).toEqual({ traceId });
  const request = await spanOf('POST /v1/calls/:callId/answer');
  expect(request).toMatchObject({ traceId, parentSpanId: before.slice(36, 52), kind: server, status: { code: failed } });
  expect(attributesOf(request)).toEqual({
    'http.request.method': 'POST',
    'http.route': '/v1/calls/:callId/answer',
    'url.path': '/v1/calls/7/answer',
    'http.response.status_code': 503,
  });
  expect(await spanOf('AnswerCall')).toMatchObject({ traceId, parentSpanId: request.spanId });
  expect(lines).toEqual([expect.objectContaining({ traceId, method: 'POST', path: '/v1/calls/7/answer', status: 503 })]);
  expect(received.every(({ service }) => service === 'calls')).toBe(true);
  await app.close();
});

test('a body that comes in pieces does not lose the trace of its request, nor does the next request of its connection get it', async () => {
  const app = fastify();
  traceRequests(app, { info: () => undefined, debug: () => undefined } as never);
  app.post('/', async () => ({ traceId: currentTraceId() }));
  const at = await app.listen({ port: 0 });
  const ask = async (headers: Record<string, string>) => {
    const pieces = async function* () {
      for (const piece of ['{"a":', '"b"', '}']) {
        yield Buffer.from(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const body = ReadableStream.from(pieces());
    const answer = await fetch(at, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      duplex: 'half',
    } as RequestInit);
    return ((await answer.json()) as { traceId: string }).traceId;
  };
  const [first, second, third] = [await ask({ traceparent: before }), await ask({}), await ask({})];
  expect(first).toBe(traceId);
  expect(new Set([first, second, third]).size).toBe(3);
  await app.close();
});

test('what begins a trace is its root, under the id that its log lines name', async () => {
  await start();
  const own = await inNewTrace(() => inSpan('frame dial', async () => currentTraceId(), 'server'));
  const root = await spanOf('frame dial');
  expect(root).toMatchObject({ traceId: own, kind: server });
  expect(root.parentSpanId ?? '').toBe('');
});

test('events that are handled together each go on with their own trace, and the log line names all of them', async () => {
  await start();
  const other = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const lines: { traceIds?: string[]; appId?: string }[] = [];
  const traced = tracedEvents({ info: (line: object) => lines.push({ ...line, ...traceFields() }) } as never);
  const events = [
    { type: 'call.dialed', appid: 'app', callid: 'one', traceparent: before },
    { type: 'call.ended', appid: 'app', callid: 'two', traceparent: other },
  ];
  const on = { doing: 'handling' as const, group: 'presence.who-is-where', topic: 'calls.events', events };
  await traced(on, async () => undefined);
  await expect(traced({ ...on, events: events.slice(0, 1) }, () => Promise.reject(new Error('it failed')))).rejects.toThrow('it failed');
  await eventually('all spans', () => received.length === 3);
  const told = received.map(({ span }) => [span.traceId, span.parentSpanId, span.kind, span.status.code === failed]);
  expect(told).toEqual([
    [traceId, before.slice(36, 52), consumer, false],
    [traceIdOf(other), other.slice(36, 52), consumer, false],
    [traceId, before.slice(36, 52), consumer, true],
  ]);
  expect(lines).toEqual([expect.objectContaining({ events: 2, traceIds: [traceId, traceIdOf(other)], appId: 'app', callId: undefined })]);
});

test('a collector that is away is told of once, and a stop does not wait for it', async () => {
  await exportSpans('calls', 'http://127.0.0.1:9', (error) => errors.push(error));
  beginSpan({ name: 'a request', kind: 'server' }).end();
  await eventually('the failure being told', () => errors.length > 0, 20_000);
  beginSpan({ name: 'another', kind: 'server' }).end();
  const began = performance.now();
  await stopExport();
  expect(performance.now() - began).toBeLessThan(2000);
  expect(errors).toHaveLength(1);
});
