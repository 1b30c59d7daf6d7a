/*
 * Whatever comes and goes, and whenever, offers and answers alternate, and in the end a device is offered what is there and nothing
 * else.
 */
import type { MediaServerFrame } from '@communication-center/contracts';
import fc from 'fast-check';
import type { FeedSection, VideoRoomHandle } from 'janode/plugins/videoroom';
import { expect, test } from 'vitest';
import type { JanusNode } from '../janus/janus-node.js';
import { JanusSubscription, layerFor } from './janus-subscription.js';

type Offer = MediaServerFrame & { type: 'offer' };
const section = (feed: string) => ({ feed, mid: `of ${feed}`, streamId: `stream of ${feed}` });
const feeds = (of: readonly FeedSection[] = []) => of.map(({ feed }) => feed);

/** A Janus of one subscriber: it knows what is subscribed, refuses what makes no sense, and answers when it is told to. */
class StandInJanus {
  readonly subscribed = new Set<string>();
  readonly faults: string[] = [];
  readonly configured: string[][] = [];
  /** Requests that wait for their answer. */
  readonly waiting: (() => void)[] = [];
  /** They have left: who unsubscribes from them alone is answered without streams, and without an offer. */
  readonly left = new Set<string>();
  attached = 0;
  detached = 0;
  answers = 0;

  readonly node = {
    attach: async () => {
      this.attached += 1;
      return this.handle;
    },
    ask: <T>(answer: Promise<T>) => answer,
  } as unknown as JanusNode;

  readonly handle = {
    joinSubscriber: ({ streams }: { streams: FeedSection[] }) => this.#take(feeds(streams), []),
    update: (change: { subscribe?: FeedSection[]; unsubscribe?: FeedSection[] }) =>
      this.#take(feeds(change.subscribe), feeds(change.unsubscribe)),
    configure: async ({ streams }: { streams: { mid: string; send?: boolean; substream?: number }[] }) => {
      this.configured.push(streams.map(({ mid, send, substream }) => [mid, send, substream].filter((one) => one !== undefined).join(' ')));
    },
    start: async () => {
      this.answers += 1;
    },
    detach: async () => {
      this.detached += 1;
    },
  } as unknown as VideoRoomHandle;

  async #take(more: string[], less: string[]) {
    await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (more.length + less.length === 0) this.faults.push('an empty change');
    for (const feed of more) {
      if (this.subscribed.has(feed)) this.faults.push(`${feed} was subscribed twice`);
      this.subscribed.add(feed);
    }
    for (const feed of less) if (!this.subscribed.delete(feed)) this.faults.push(`${feed} was not subscribed`);
    if (more.length === 0 && less.every((feed) => this.left.has(feed))) return {};
    const streams = [...this.subscribed].map((feed, index) => ({
      mid: String(index),
      type: 'video',
      feed_id: feed,
      feed_mid: `of ${feed}`,
    }));
    return { jsep: { type: 'offer' as const, sdp: 'v=0' }, streams };
  }
}

function subscribing() {
  const janus = new StandInJanus();
  const offers: Offer[] = [];
  const errors: unknown[] = [];
  const where = { room: 'a call', pin: 'p', privateId: 1 };
  const subscription = new JanusSubscription(
    janus.node,
    where,
    (frame) => offers.push(frame as Offer),
    (error) => errors.push(error),
  );
  return { janus, offers, errors, subscription };
}

/** Lets everything happen that needs no answer from outside. */
const settle = async () => {
  for (let turn = 0; turn < 8; turn += 1) await Promise.resolve();
};

const acts = fc.array(
  fc.oneof(
    fc.record({ act: fc.constant('want' as const), feed: fc.constantFrom('a', 'b', 'c', 'd') }),
    fc.record({ act: fc.constant('drop' as const), feed: fc.constantFrom('a', 'b', 'c', 'd') }),
    fc.record({ act: fc.constantFrom('janus answers' as const, 'client answers' as const) }),
  ),
  { maxLength: 40 },
);

test('offers and answers alternate, and the last offer holds what is there', async () => {
  await fc.assert(
    fc.asyncProperty(acts, async (story) => {
      const { janus, offers, errors, subscription } = subscribing();
      const wanted = new Set<string>();
      for (const one of story) {
        if (one.act === 'want') {
          wanted.add(one.feed);
          subscription.want([...wanted].map(section));
        } else if (one.act === 'drop') {
          wanted.delete(one.feed);
          subscription.want([...wanted].map(section));
        } else if (one.act === 'janus answers') janus.waiting.shift()?.();
        else await subscription.answer('v=0');
        await settle();
        expect(offers.length - janus.answers, 'offers without an answer').toBeLessThanOrEqual(1);
        expect(janus.waiting.length, 'changes under way').toBeLessThanOrEqual(1);
      }
      for (let left = 20; left > 0; left -= 1) {
        janus.waiting.shift()?.();
        await settle();
        await subscription.answer('v=0');
        await settle();
      }
      expect([...janus.subscribed].sort()).toEqual([...wanted].sort());
      expect((offers.at(-1)?.tracks ?? []).map(({ streamId }) => streamId).sort()).toEqual(
        [...wanted].map((feed) => `stream of ${feed}`).sort(),
      );
      expect(janus.faults).toEqual([]);
      expect(errors).toEqual([]);
      expect(janus.attached).toBeLessThanOrEqual(1);
    }),
  );
});

test('what came while an answer was awaited is offered together, once it is there', async () => {
  const { janus, offers, subscription } = subscribing();
  subscription.want([section('a')]);
  await settle();
  janus.waiting.shift()?.();
  await settle();
  subscription.want(['a', 'b'].map(section));
  subscription.want(['a', 'b', 'c'].map(section));
  subscription.want(['b', 'c'].map(section));
  await settle();
  expect(offers).toHaveLength(1);
  await subscription.answer('v=0');
  await settle();
  janus.waiting.shift()?.();
  await settle();
  expect(offers.map(({ tracks }) => tracks.map(({ streamId }) => streamId))).toEqual([['stream of a'], ['stream of b', 'stream of c']]);
});

test('what is wanted in the very turn in which nothing was is offered as well', async () => {
  const { janus, subscription } = subscribing();
  subscription.want([]);
  subscription.want([section('a')]);
  await settle();
  janus.waiting.shift()?.();
  await settle();
  expect([...janus.subscribed]).toEqual(['a']);
});

test('what is dropped while Janus makes its offer, and wanted again before the answer, is named in it', async () => {
  const { janus, offers, subscription } = subscribing();
  subscription.want([section('a')]);
  await settle();
  subscription.want([]);
  janus.waiting.shift()?.();
  await settle();
  subscription.want([section('a')]);
  await subscription.answer('v=0');
  await settle();
  expect(offers.map(({ tracks }) => tracks)).toEqual([[{ mid: '0', streamId: 'stream of a' }]]);
});

test('of who has left by the time Janus names no streams; the others go on, and who comes after is offered', async () => {
  const { janus, offers, errors, subscription } = subscribing();
  subscription.want([section('a'), section('b')]);
  await settle();
  janus.waiting.shift()?.();
  await settle();
  await subscription.answer('v=0');
  janus.left.add('a');
  subscription.want([section('b')]);
  await settle();
  janus.waiting.shift()?.();
  await settle();
  expect(offers).toHaveLength(1);
  subscription.want([section('b'), section('c')]);
  await settle();
  janus.waiting.shift()?.();
  await settle();
  expect(errors).toEqual([]);
  expect(offers.at(-1)?.tracks.map(({ streamId }) => streamId)).toEqual(['stream of b', 'stream of c']);
});

test('an answer that nobody asked for is passed over', async () => {
  const { janus, subscription } = subscribing();
  await subscription.answer('v=0');
  expect(janus.answers).toBe(0);
});

test('a Janus that fails is told of, and its handle is given back in the end', async () => {
  const { janus, errors, subscription } = subscribing();
  Object.assign(janus.handle, { joinSubscriber: async () => Promise.reject(new Error('no such room')) });
  subscription.want([section('a')]);
  await settle();
  expect(errors).toEqual([new Error('no such room')]);
  await subscription.close();
  expect(janus.detached).toBe(1);
});

test('pictures of streams that are not watched are not sent, without an offer, until they are; sections keep their names', async () => {
  const { janus, offers, subscription } = subscribing();
  const answered = async () => {
    await settle();
    janus.waiting.shift()?.();
    await settle();
    await subscription.answer('v=0');
    await settle();
  };
  subscription.unwatch(['stream of b', 'stream of nobody']);
  subscription.want(['a', 'b'].map(section));
  await answered();
  expect(janus.configured).toEqual([['1 false']]);
  subscription.unwatch(['stream of a', 'stream of b']);
  await settle();
  subscription.unwatch(['stream of a', 'stream of b']);
  await settle();
  subscription.unwatch([]);
  await settle();
  expect([janus.configured.slice(1), offers.length]).toEqual([[['0 false'], ['0 true', '1 true']], 1]);
  // The section of one that is gone may be another's.
  subscription.unwatch(['stream of a']);
  await settle();
  subscription.want(['b', 'c'].map(section));
  await answered();
  subscription.unwatch(['stream of b']);
  await settle();
  expect(janus.configured.slice(3)).toEqual([['0 false'], ['0 false']]);
});

const layers = [
  { rid: 'h', height: 480 },
  { rid: 'm', height: 240 },
  { rid: 'l', height: 120 },
] as const;

test('a picture comes in the smallest size that is as high as it is shown, of those that are sent', () => {
  const asked = [undefined, 2000, 480, 241, 240, 121, 120, 1];
  expect(asked.map((height) => layerFor(height, layers))).toEqual([0, 0, 0, 0, 1, 1, 2, 2]);
  expect(asked.map((height) => layerFor(height, layers.slice(1)))).toEqual([1, 1, 1, 1, 1, 1, 2, 2]);
  expect(layerFor(1, [])).toBe(0);
  fc.assert(
    fc.property(fc.option(fc.integer({ min: 1, max: 8192 }), { nil: undefined }), fc.shuffledSubarray([...layers]), (height, sent) => {
      const chosen = layers[layerFor(height, sent)];
      if (sent.length > 0) expect(sent).toContainEqual(chosen);
    }),
  );
});

test('the size is asked for as it changes: by the device, or with what is sent', async () => {
  const janus = new StandInJanus();
  const subscription = new JanusSubscription(
    janus.node,
    { room: 'r', pin: 'p', privateId: 1 },
    () => undefined,
    () => undefined,
  );
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) {
      for (const answer of janus.waiting.splice(0)) answer();
      await Promise.resolve();
    }
  };
  const want = (sent: readonly (typeof layers)[number][]) => subscription.want([{ ...section('a'), layers: sent }]);
  want(layers);
  await settle();
  await subscription.answer('answer');
  await settle();
  expect(janus.configured).toEqual([]);
  subscription.show([{ streamId: 'stream of a', height: 200 }]);
  await settle();
  subscription.show([{ streamId: 'stream of a', height: 210 }]);
  await settle();
  expect(janus.configured).toEqual([['0 1']]);
  want(layers.slice(0, 1));
  await settle();
  expect(janus.configured.slice(1), 'the small ones are sent no more').toEqual([['0 2']]);
  subscription.show([]);
  want(layers);
  await settle();
  expect(janus.configured).toHaveLength(2);
});
