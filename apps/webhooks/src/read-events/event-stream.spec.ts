/*
 * A stream tells all that is wanted, holds a page at most however slowly it is read, says how far it is where nothing is wanted, goes on
 * where it could not read, and says so where something is missing.
 */
import { type AppId, newestPayloadVersion } from '@communication-center/contracts';
import { ProblemError } from '@communication-center/service';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readCursor } from '../domain/event-cursor.js';
import type { PlacedMessage } from '../domain/message.js';
import { EventStream } from './event-stream.js';

const appId = 'app' as AppId;
const wish = { eventTypes: ['*'], filters: {}, payloadVersion: newestPayloadVersion };
let written: string[];
let isFull: boolean;
let listeners: Map<string, () => void>;
let log: PlacedMessage[];
let reads: number;
let fault: Error | undefined;
let faults: unknown[];
let wanted: (message: PlacedMessage) => boolean;
let stream: EventStream;

const message = (position: number): PlacedMessage => ({
  messageId: `00000000-0000-7000-8000-${String(position).padStart(12, '0')}`,
  appId,
  position,
  type: 'call.ended',
  subject: 'call',
  sequence: position,
  source: '/calls',
  dataversion: 1,
  occurredAt: '2026-11-28T09:30:00.000Z',
  data: {},
  traceparent: null,
});
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const idsTold = () =>
  written.flatMap((text) => (text.startsWith('event: call') ? [readCursor(/^id: (.*)$/m.exec(text)?.[1] ?? '')?.position] : []));

beforeEach(() => {
  vi.useFakeTimers();
  [written, isFull, listeners, log, reads, fault, faults, wanted] = [[], false, new Map(), [], 0, undefined, [], () => true];
  const pages = {
    read: async (_app: AppId, after: number) => {
      reads += 1;
      if (fault) throw fault;
      const all = log.filter(({ position }) => position > after);
      const page = all.slice(0, 10);
      return { messages: page.filter(wanted), upTo: page.at(-1)?.position ?? after, isAll: all.length < 10 };
    },
  };
  const response = {
    write: (text: string) => {
      written.push(text);
      return !isFull;
    },
    end: () => listeners.get('close')?.(),
    once: (event: string, listener: () => void) => listeners.set(event, listener),
    off: (event: string) => listeners.delete(event),
  };
  stream = new EventStream(pages as never, { appId, wish, after: 0 }, response, 15_000, (error) => faults.push(error));
  void stream.run();
});
afterEach(() => {
  stream.end();
  vi.useRealTimers();
});

test('what is there is told in order, and what comes when it is told of, without a look meanwhile', async () => {
  log = Array.from({ length: 25 }, (_, index) => message(index + 1));
  stream.waiting.tell();
  await pass(100);
  expect(idsTold()).toEqual(Array.from({ length: 25 }, (_, index) => index + 1));
  const before = reads;
  await pass(10_000);
  expect(reads).toBe(before);
  log.push(message(26));
  stream.waiting.tell();
  await pass(25);
  expect(idsTold().at(-1)).toBe(26);
});

test('a reader that takes nothing is written one event, and nothing more is read for it, until it takes that', async () => {
  await pass(1);
  isFull = true;
  log = Array.from({ length: 1000 }, (_, index) => message(index + 1));
  stream.waiting.tell();
  await pass(60_000);
  expect([written.length, reads]).toEqual([2, 2]);
  isFull = false;
  listeners.get('drain')?.();
  await pass(1000);
  expect(idsTold()).toHaveLength(1000);
});

test('where nothing is wanted, the heartbeat says how far it is', async () => {
  wanted = () => false;
  log = Array.from({ length: 30 }, (_, index) => message(index + 1));
  stream.waiting.tell();
  await pass(15_100);
  expect(written.filter((text) => text.startsWith('event'))).toEqual([]);
  expect(readCursor(/^id: (.*)$/m.exec(written.at(-1) ?? '')?.[1] ?? '')).toEqual({ appId, position: 30 });
});

test('what could not be read is read again after a while; what is kept no more ends the stream, which says why', async () => {
  fault = new Error('no database');
  stream.waiting.tell();
  await pass(5000);
  expect(faults.length).toBeGreaterThan(1);
  expect(faults.length).toBeLessThan(7);
  fault = undefined;
  log = [message(1)];
  await pass(3000);
  expect(idsTold()).toEqual([1]);
  fault = new ProblemError('position_expired', 'gone', { passedOver: { skipped: 3, oldest: 'abc' } });
  stream.waiting.tell();
  await pass(100);
  expect(written.at(-1)).toMatch(/^event: problem\ndata: .*"code":"position_expired".*"skipped":3/);
  const before = reads;
  await pass(60_000);
  expect(reads).toBe(before);
});
