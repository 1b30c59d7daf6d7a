/*
 * Janus is waited for, but not for ever; of what it refuses, its own code is known; and a handle is there before it is needed.
 */
import { EventEmitter } from 'node:events';
import { InfrastructureError } from '@communication-center/event-log';
import Janode from 'janode';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { MediaSettings } from '../settings.js';
import { JanusNode, roomErrorCode } from './janus-node.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

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

/** A Janus that attaches each handle that is asked for, or none. */
function attaching() {
  const made: EventEmitter[] = [];
  const state = { isDeaf: false, detached: 0 };
  const attach = async () => {
    if (state.isDeaf) throw new Error('no such session');
    const handle = Object.assign(new EventEmitter(), {
      detach: async () => {
        state.detached += 1;
      },
    });
    made.push(handle);
    return handle;
  };
  const connection = Object.assign(new EventEmitter(), { create: async () => ({ attach }), close: async () => undefined });
  vi.spyOn(Janode, 'connect').mockResolvedValue(connection as never);
  return { made, state, connection };
}

describe('handles', () => {
  const rest = () => vi.advanceTimersByTimeAsync(20);

  test('whoever needs one has one that is attached already, and of two at once each another', async () => {
    const { made, state } = attaching();
    const janus = node();
    const first = await janus.attach();
    await rest();
    expect(made.length).toBe(2);
    const some = await Promise.all([janus.attach(), janus.attach(), janus.attach()]);
    expect(new Set([first, ...some]).size).toBe(4);
    await rest();
    expect([made.length, state.detached]).toEqual([5, 0]);
  });

  test('one that Janus took back meanwhile, or that came over a connection that is gone, is given to nobody', async () => {
    const { made, connection } = attaching();
    const janus = node();
    await janus.attach();
    await rest();
    made[1]?.emit(Janode.EVENT.HANDLE_DETACHED);
    expect(await janus.attach()).toBe(made[2]);
    await rest();
    connection.emit(Janode.EVENT.CONNECTION_ERROR);
    expect(await janus.attach()).toBe(made[4]);
  });

  test('one that cannot be had ahead is asked for when it is needed', async () => {
    const { made, state } = attaching();
    const janus = node();
    await janus.attach();
    state.isDeaf = true;
    await rest();
    state.isDeaf = false;
    expect(await janus.attach()).toBe(made[1]);
    await janus.close();
    await rest();
    expect(made.length, 'none for who has closed').toBe(2);
  });
});
