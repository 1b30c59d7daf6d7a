/*
 * A call carries so many cameras and screens at a time; who comes too late is refused by name, once, and let in when there is room.
 */
import { expect, test } from 'vitest';
import { StreamRoom } from './stream-room.js';

const sends = (kind: 'camera' | 'screen', video: 'on' | 'off' = 'on') => ({ kind, sending: { audio: 'on' as const, video } });
const camera = { camera: true, screen: false };

test('who comes when there is no room is refused once, and let in with what is said next when there is', () => {
  const room = new StreamRoom({ streams: { cameras: 1 } });
  expect([room.want(camera, [sends('camera')]), room.want(camera, [sends('camera')])]).toEqual([['camera'], []]);
  expect([...room.withheld]).toEqual(['camera']);
  expect(room.want(camera, [sends('camera', 'off'), sends('screen')])).toEqual([]);
  expect([...room.withheld]).toEqual([]);
});

test('what was let in stays, until it is taken back', () => {
  const room = new StreamRoom({ streams: { cameras: 2 } });
  room.want(camera, [sends('camera')]);
  room.want(camera, [sends('camera'), sends('camera')]);
  expect([...room.withheld]).toEqual([]);
  expect(room.want({ camera: false, screen: false }, [sends('camera'), sends('camera')])).toEqual([]);
  expect([...room.withheld], 'whatever it sends then').toEqual(['camera']);
  expect(room.want(camera, [sends('camera'), sends('camera')])).toEqual(['camera']);
});

test('a call of voice alone carries no picture, others all cameras and four screens', () => {
  const voice = new StreamRoom({ streams: { cameras: 0, screens: 0 } });
  expect(voice.want({ camera: true, screen: true }, [])).toEqual(['camera', 'screen']);
  const any = new StreamRoom({});
  expect(
    any.want(
      camera,
      Array.from({ length: 31 }, () => sends('camera')),
    ),
  ).toEqual([]);
  const screen = { camera: true, screen: true };
  expect(
    any.want(
      screen,
      Array.from({ length: 4 }, () => sends('screen')),
    ),
  ).toEqual(['screen']);
});
