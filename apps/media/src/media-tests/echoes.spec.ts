/*
 * Tests before calls are few at a time, end by themselves, and say what is wrong with an offer.
 */
import { EventEmitter } from 'node:events';
import { ProblemError } from '@communication-center/service';
import Janode from 'janode';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Echoes } from './echoes.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class StandInEcho extends EventEmitter {
  detached = 0;
  async start({ jsep }: { jsep: { sdp: string } }) {
    if (jsep.sdp === 'wrong') throw new Error('465 Missing mandatory lines');
    return { jsep: { sdp: `answer to ${jsep.sdp}` } };
  }
  async detach() {
    this.detached += 1;
  }
}

function house(most: number) {
  const handles: StandInEcho[] = [];
  const node = {
    name: 'janus-1',
    ask: <T>(answer: Promise<T>) => answer,
    attachTo: async () => {
      const handle = new StandInEcho();
      handles.push(handle);
      return handle;
    },
  };
  const nodes = { choose: async () => node };
  return { handles, nodes, echoes: new Echoes(nodes as never, { MEDIA_TESTS: most }) };
}

test('what is sent comes back for fifteen seconds, and no longer', async () => {
  const { handles, echoes } = house(2);
  const { sdp, endsAt, node } = await echoes.begin('offer');
  expect([sdp, node, endsAt.getTime() - Date.now()]).toEqual(['answer to offer', 'janus-1', 15_000]);
  await vi.advanceTimersByTimeAsync(14_900);
  expect(handles[0]?.detached).toBe(0);
  await vi.advanceTimersByTimeAsync(200);
  expect(handles[0]?.detached).toBe(1);
});

test('no more run at a time than may, those that begin included; what ends makes room', async () => {
  const { handles, echoes } = house(2);
  const begun = await Promise.allSettled([echoes.begin('a'), echoes.begin('b'), echoes.begin('c')]);
  expect(begun.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  await expect(echoes.begin('d')).rejects.toMatchObject({ code: 'service_unavailable' });
  handles[0]?.emit(Janode.EVENT.HANDLE_HANGUP);
  await expect(echoes.begin('e')).resolves.toMatchObject({ sdp: 'answer to e' });
  await echoes.beforeApplicationShutdown();
  expect(handles.map(({ detached }) => detached)).toEqual([1, 1, 1]);
});

test('an offer that Janus does not take is the fault of who sent it, a Janus that is away is not; neither leaves anything behind', async () => {
  const { handles, nodes, echoes } = house(1);
  await expect(echoes.begin('wrong')).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('sdp') });
  expect(handles[0]?.detached).toBe(1);
  nodes.choose = async () => Promise.reject(new ProblemError('media_unavailable'));
  await expect(echoes.begin('a')).rejects.toMatchObject({ code: 'media_unavailable' });
  await expect(echoes.begin('b')).rejects.toMatchObject({ code: 'media_unavailable' });
  nodes.choose = async () => ({
    ...(await house(1).nodes.choose()),
    attachTo: async () => Promise.reject(new Error('460 No such plugin')),
  });
  await expect(echoes.begin('c')).rejects.toMatchObject({ code: 'media_unavailable' });
});
