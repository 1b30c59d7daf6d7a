/* How loud a stream is, is asked of what brings its sound. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RemoteStreams } from './remote-streams.js';
import { StandInDevices } from './stand-in-media.js';

beforeEach(() => new StandInDevices().install(vi.stubGlobal));
afterEach(() => void vi.unstubAllGlobals());

const told = { streamId: 'of ann', userAlias: 'ann', deviceId: 'desk', kind: 'camera' } as never;
const arrival = (level: number) => ({ hasCome: async () => true, level: () => level });

test('a stream is as loud as its sound is now, and one that is not there, has no sound or has gone is silent', () => {
  const [streams, link] = [new RemoteStreams(), {}];
  let level = 0.25;
  expect(streams.levelOf('of ann')).toBe(0);
  streams.track(link, told, { kind: 'video' } as MediaStreamTrack, arrival(1));
  expect(streams.levelOf('of ann')).toBe(0);
  streams.track(link, told, { kind: 'audio' } as MediaStreamTrack, { ...arrival(0), level: () => level });
  expect(streams.levelOf('of ann')).toBe(0.25);
  level = 0.5;
  expect(streams.levelOf('of ann')).toBe(0.5);
  streams.gone('of ann');
  expect(streams.levelOf('of ann')).toBe(0);
});
