/*
 * Janus is waited for, but not for ever; and of what it refuses, its own code is known.
 */
import { InfrastructureError } from '@communication-center/event-log';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MediaSettings } from '../settings.js';
import { JanusNode, roomErrorCode } from './janus-node.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const node = () => new JanusNode('janus-1', 'ws://127.0.0.1:1', { JANUS_TIMEOUT_MS: 5000 } as MediaSettings, () => undefined);

test('an answer in time is the answer, and leaves no timer behind', async () => {
  await expect(node().ask(Promise.resolve('made'))).resolves.toBe('made');
  await expect(node().ask(Promise.reject(new Error('no such room')))).rejects.toThrow('no such room');
  expect(vi.getTimerCount()).toBe(0);
});

test('without one the media are unavailable, for a reason that passes', async () => {
  const asked = node().ask(new Promise(() => undefined));
  const outcome = asked.catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(4999);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await outcome).toMatchObject({ code: 'media_unavailable', cause: expect.any(InfrastructureError) });
});

test("only an error of Janus's own has a code of a room", () => {
  expect(roomErrorCode(Object.assign(new Error('exists'), { _code: 427 }))).toBe(427);
  for (const other of [new Error('else'), Object.assign(new Error('text'), { _code: '427' }), { _code: 427 }, undefined, 'text'])
    expect(roomErrorCode(other)).toBeUndefined();
});
