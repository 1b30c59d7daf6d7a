/*
 * A call carries so many cameras and screens at a time; who comes too late is refused by name, once, and let in when there is room. Of those that
 * come at the same moment no more stay than there is room for, in whatever order who let them in hears of the others.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Claim, StreamRoom } from './stream-room.js';

let made = 0;
const claim = (kind: Claim['kind'] = 'camera', more: Partial<Claim> = {}): Claim => {
  made += 1;
  return { kind, feed: `feed-${made}`, device: `device-${made}`, letInAt: 0, ...more };
};
const several = (count: number, kind: Claim['kind']) => Array.from({ length: count }, () => claim(kind));
const [camera, none] = [
  { camera: true, screen: false },
  { camera: false, screen: false },
];

test('who comes when there is no room is refused once, and let in with what is said next when there is', () => {
  const room = new StreamRoom({ streams: { cameras: 1 } });
  expect([room.want(camera, [claim()], 1), room.want(camera, [claim()], 2)]).toEqual([['camera'], []]);
  expect([...room.withheld]).toEqual(['camera']);
  expect(room.want(camera, [claim('screen')], 3)).toEqual([]);
  expect([[...room.withheld], room.letIn]).toEqual([[], { camera: 3 }]);
});

test('what was let in stays, until it is taken back', () => {
  const room = new StreamRoom({ streams: { cameras: 2 } });
  room.want(camera, several(1, 'camera'), 1);
  room.want(camera, several(2, 'camera'), 2);
  expect([[...room.withheld], room.letIn]).toEqual([[], { camera: 1 }]);
  expect(room.want(none, several(2, 'camera'), 3)).toEqual([]);
  expect([...room.withheld], 'whatever it sends then').toEqual(['camera']);
  expect(room.want(camera, several(2, 'camera'), 4)).toEqual(['camera']);
});

test('a device that is there twice, since it is moving, has one place', () => {
  const room = new StreamRoom({ streams: { cameras: 2 } });
  const twice = [claim('camera', { device: 'moving' }), claim('camera', { device: 'moving' })];
  expect(room.want(camera, twice, 1)).toEqual([]);
  expect(room.giveWay('mine', twice)).toEqual([]);
});

test('a call of voice alone carries no picture, others all cameras and four screens', () => {
  const voice = new StreamRoom({ streams: { cameras: 0, screens: 0 } });
  expect(voice.want({ camera: true, screen: true }, [], 1)).toEqual(['camera', 'screen']);
  const any = new StreamRoom({});
  expect(any.want(camera, several(31, 'camera'), 1)).toEqual([]);
  expect(any.want({ camera: true, screen: true }, several(4, 'screen'), 1)).toEqual(['screen']);
});

test('of any number who come at any moments, and hear of each other in any order, just as many stay as there is room for: those who were let in first', () => {
  const arrival = fc.record({ at: fc.integer({ min: 0, max: 5 }), hears: fc.array(fc.nat({ max: 9 }), { maxLength: 12 }) });
  fc.assert(
    fc.property(fc.array(arrival, { minLength: 1, maxLength: 8 }), fc.integer({ min: 0, max: 4 }), (arrivals, most) => {
      const rooms = arrivals.map(() => new StreamRoom({ streams: { cameras: most } }));
      const claimOf = (index: number): Claim[] => {
        const at = rooms[index]?.letIn.camera;
        return at === undefined ? [] : [{ kind: 'camera', feed: `f${index}`, device: `d${index}`, letInAt: at }];
      };
      const others = (index: number) => rooms.flatMap((_, other) => (other === index ? [] : claimOf(other)));
      // Nobody has heard of anybody.
      for (const [index, { at }] of arrivals.entries()) rooms[index]?.want(camera, [], at);
      const first = arrivals
        .flatMap((_, index) => claimOf(index))
        .sort((one, other) => one.letInAt - other.letInAt || (one.feed < other.feed ? -1 : 1))
        .slice(0, most)
        .map(({ feed }) => feed);
      // Who hears of some alone gives way for these at most; in the end everybody has heard of all who are left.
      for (const [index, { hears }] of arrivals.entries())
        for (const other of hears) rooms[index]?.giveWay(`f${index}`, other === index ? [] : claimOf(other % rooms.length));
      for (const _ of rooms) for (const index of arrivals.keys()) rooms[index]?.giveWay(`f${index}`, others(index));
      expect(arrivals.flatMap((_, index) => claimOf(index).map(({ feed }) => feed)).sort()).toEqual(first.sort());
    }),
  );
});
