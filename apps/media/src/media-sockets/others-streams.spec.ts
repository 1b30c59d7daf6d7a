/*
 * In whatever order Janus tells of feeds, the streams that are told are those that are there, each added before it changes, and once.
 */
import fc from 'fast-check';
import type { Publisher } from 'janode/plugins/videoroom';
import { expect, test } from 'vitest';
import { OthersStreams, type StreamFrame } from './others-streams.js';

const me = { userAlias: 'ben', deviceId: 'sofa' } as ConstructorParameters<typeof OthersStreams>[0];
const on = { audio: 'on', video: 'on' };
const display = (more: object = {}) => JSON.stringify({ userAlias: 'ann', deviceId: 'desk', kind: 'camera', ...more });
const camera = [
  { type: 'audio', mid: '0' },
  { type: 'video', mid: '1' },
];
const screen = { type: 'video', mid: '2', description: 'screen' };
const shown = (frames: readonly StreamFrame[]) =>
  frames.map((frame) => `${frame.type} ${frame.type === 'stream_removed' ? frame.streamId : frame.stream.streamId}`);

test('a screen is a stream of its own, with sections of its own, from when it is told and there, until it is not told any more', () => {
  const others = new OthersStreams(me);
  expect(shown(others.list([{ feed: 'f', display: display(), streams: camera }]))).toEqual(['stream_added f']);
  expect(shown(others.redisplay('f', display({ screen: on })))).toEqual([]);
  const listed = others.list([{ feed: 'f', display: display({ screen: on }), streams: [...camera, screen] }]);
  expect(shown(listed)).toEqual(['stream_added f/screen']);
  expect(others.sections).toEqual([
    { feed: 'f', mid: '0', streamId: 'f' },
    { feed: 'f', mid: '1', streamId: 'f' },
    { feed: 'f', mid: '2', streamId: 'f/screen' },
  ]);
  expect(shown(others.redisplay('f', display()))).toEqual(['stream_removed f/screen']);
  expect(others.sections.map(({ mid }) => mid)).toEqual(['0', '1']);
  others.redisplay('f', display({ screen: on }));
  expect(shown(others.remove('f'))).toEqual(['stream_removed f', 'stream_removed f/screen']);
  expect([others.all, others.sections]).toEqual([[], []]);
});

test('what the device itself sent before, and Janus holds still, is none of the others’', () => {
  const others = new OthersStreams(me);
  const mine = { feed: 'before', display: display({ ...me, screen: on }), streams: [...camera, screen] };
  expect(others.list([mine, { feed: 'phone', display: display({ ...me, deviceId: 'phone' }), streams: camera }])).toHaveLength(1);
  expect([others.redisplay('before', display({ ...me, quiet: true })), others.remove('before')]).toEqual([[], []]);
  expect(others.sections.map(({ feed }) => feed)).toEqual(['phone', 'phone']);
});

test('a section that is added to a stream is carried by it, and no more than one of a kind', () => {
  const others = new OthersStreams(me);
  others.list([{ feed: 'f', display: display(), streams: camera.slice(0, 1) }]);
  expect(
    others.list([{ feed: 'f', display: display(), streams: [...camera, { type: 'video', mid: '3' }, { type: 'data', mid: '4' }] }]),
  ).toEqual([]);
  expect(others.sections.map(({ mid }) => mid)).toEqual(['0', '1']);
  others.list([{ feed: 'f', display: display(), streams: camera.map((section) => ({ ...section, disabled: true })) }]);
  expect(others.sections).toEqual([]);
});

const displays = fc.constantFrom(display(), display({ screen: on }), display({ quiet: true, screen: on }), '{broken', '{}');
const acts = fc.oneof(
  fc.record({ act: fc.constant('list' as const), feed: fc.constantFrom('f', 'g'), display: displays, hasScreen: fc.boolean() }),
  fc.record({ act: fc.constant('redisplay' as const), feed: fc.constantFrom('f', 'g'), display: displays }),
  fc.record({ act: fc.constant('remove' as const), feed: fc.constantFrom('f', 'g') }),
);

test('whoever follows what is told knows what is there', () => {
  fc.assert(
    fc.property(fc.array(acts, { maxLength: 30 }), (story) => {
      const others = new OthersStreams(me);
      const followed = new Map<string, object>();
      const follow = (frame: StreamFrame) => {
        if (frame.type === 'stream_removed') expect(followed.delete(frame.streamId)).toBe(true);
        else {
          expect(followed.has(frame.stream.streamId)).toBe(frame.type === 'stream_changed');
          followed.set(frame.stream.streamId, frame.stream);
        }
      };
      for (const one of story) {
        const streams: Publisher['streams'] = 'hasScreen' in one && one.hasScreen ? [...camera, screen] : camera;
        if (one.act === 'list') others.list([{ feed: one.feed, display: one.display, streams }]).forEach(follow);
        else if (one.act === 'redisplay') others.redisplay(one.feed, one.display).forEach(follow);
        else others.remove(one.feed).forEach(follow);
        expect([...followed.values()]).toEqual(expect.arrayContaining(others.all));
        expect(followed.size).toBe(others.all.length);
        expect(others.sections.every(({ streamId }) => followed.has(streamId))).toBe(true);
      }
    }),
  );
});
