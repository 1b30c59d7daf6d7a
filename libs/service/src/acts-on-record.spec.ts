/*
 * An act is on record once it is answered: told again, under the same id, where nobody answered, and refused where it cannot be told.
 */
import type { AnyEvent, AppId } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ActsOnRecord } from './acts-on-record.js';
import { ProblemError } from './problem-error.js';

const anna = { kind: 'operator', holder: 'anna' } as const;
const rebuilt = { act: 'projection.rebuilt', target: 'history' } as const;

function directory() {
  const told: { body: { entryId: string }; patience: unknown }[] = [];
  const ask = async (_endpoint: unknown, { body }: { body: { entryId: string } }, patience: unknown) => {
    told.push({ body, patience });
    return {};
  };
  return { told, ask: ask as never };
}

test('the directory is told who does what, by ids that lie in the order of time', async () => {
  const { told, ask } = directory();
  const acts = new ActsOnRecord({ ask });
  const before = Date.now();
  await acts.note(anna, rebuilt);
  await acts.note({ kind: 'operator' }, { act: 'parked_key.discarded', target: 'a key', appId: 'demo' as AppId });
  expect(told.map(({ body }) => body)).toEqual([
    { entryId: expect.anything(), actor: 'operator:anna', ...rebuilt },
    { entryId: expect.anything(), actor: 'operator', act: 'parked_key.discarded', target: 'a key', appId: 'demo' },
  ]);
  const [first = '', second = ''] = told.map(({ body }) => z.uuidv7().parse(body.entryId));
  expect(first).not.toBe(second);
  expect(Number.parseInt(first.replace('-', '').slice(0, 12), 16)).toBeGreaterThanOrEqual(before);
  // One that was not answered is told again; its id makes it one.
  expect(told[0]?.patience).toMatchObject({ retryForMs: expect.any(Number), timeoutMs: expect.any(Number) });
});

test('where nobody keeps the record, nothing may be done', async () => {
  await expect(new ActsOnRecord(undefined).note(anna, rebuilt)).rejects.toMatchObject({ code: 'service_unavailable' });
});

test('the service that has the record keeps it by itself', async () => {
  const acts = new ActsOnRecord(undefined);
  const kept: unknown[] = [];
  acts.keepHere(async (entry) => kept.push(entry));
  await acts.note(anna, rebuilt);
  expect(kept).toMatchObject([{ actor: 'operator:anna', ...rebuilt }]);
});

test('an event that can never be published is on record by its kind and its subject, never with what it says', async () => {
  const { told, ask } = directory();
  const event = { type: 'call.ringing', subject: 'c1', appid: 'demo', data: { audience: ['alice'] } } as unknown as AnyEvent;
  await new ActsOnRecord({ ask }).noteUnsendable('calls.events', event);
  expect(told.map(({ body }) => body)).toEqual([
    { entryId: expect.anything(), actor: 'center', act: 'event.unsendable', target: 'calls.events call.ringing c1', appId: 'demo' },
  ]);
});

test.each(['not_found', 'invalid_request'] as const)(
  'a directory of the release before, which answers %s, has nothing done, and it is said why',
  async (code) => {
    const ask = async () => Promise.reject(new ProblemError(code));
    await expect(new ActsOnRecord({ ask: ask as never }).note(anna, rebuilt)).rejects.toMatchObject({
      code: 'service_unavailable',
      message: expect.stringContaining('earlier release'),
    });
  },
);
