/*
 * No more requests are under way than there are places; whoever has receivers that hang, in one app or in many, leaves some for others;
 * and whoever waits has his turn when one becomes free.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Place, Places, type TakesPlaces } from './places.js';

interface Hanging extends TakesPlaces {
  ends: () => void;
  left: number;
  taken: Place[];
}

function endpoint(places: Places, appId: string, left: number, isProven = true): Hanging {
  const one: Hanging = {
    endpoint: { appId },
    underWay: 0,
    isProven,
    left,
    taken: [],
    pump: () => {
      while (one.left > 0 && places.isFreeFor(one)) {
        one.left -= 1;
        one.underWay += 1;
        one.taken.push(places.take(one));
      }
    },
    ends: () => {
      one.underWay -= 1;
      const place = one.taken.pop();
      if (place) places.free(place);
    },
  };
  return one;
}

test('an app leaves half of the places, and an endpoint half of its app’s; another app has what it needs', () => {
  const places = new Places(100);
  endpoint(places, 'hanging', 1000).pump();
  expect(places.taken).toBeLessThanOrEqual(50);
  for (let number = 0; number < 200; number += 1) endpoint(places, 'hanging', 8).pump();
  expect(places.taken).toBe(50);
  const healthy = endpoint(places, 'healthy', 8);
  healthy.pump();
  expect(healthy.underWay).toBe(8);
});

test('a second endpoint of an app has places beside one that takes all it gets', () => {
  const places = new Places(100);
  endpoint(places, 'app', 1000).pump();
  const other = endpoint(places, 'app', 4);
  other.pump();
  expect(other.underWay).toBeGreaterThan(0);
});

test('a thousand receivers of a hundred apps that hang leave half of the places to those that are known to answer', () => {
  const places = new Places(100);
  for (let app = 0; app < 100; app += 1) for (let number = 0; number < 10; number += 1) endpoint(places, `app ${app}`, 8, false).pump();
  expect(places.taken).toBe(50);
  for (let app = 0; app < 5; app += 1) {
    const healthy = endpoint(places, `healthy ${app}`, 3);
    healthy.pump();
    expect(healthy.underWay).toBe(3);
  }
});

test('whatever is asked and ends, places are never overdrawn, and everything begins at last', () => {
  const asked = fc.array(fc.record({ app: fc.nat(4), count: fc.integer({ min: 1, max: 12 }), isProven: fc.boolean() }), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(asked, fc.integer({ min: 2, max: 12 }), fc.infiniteStream(fc.nat(1000)), (wishes, most, picks) => {
      const places = new Places(most);
      const all = wishes.map(({ app, count, isProven }) => endpoint(places, `app ${app}`, count, isProven));
      for (const one of all) one.pump();
      for (let rounds = 0; rounds < 2000; rounds += 1) {
        expect(places.taken).toBeLessThanOrEqual(most);
        expect(places.taken).toBe(all.reduce((sum, { underWay }) => sum + underWay, 0));
        const busy = all.filter(({ underWay }) => underWay > 0);
        if (busy.length === 0) break;
        busy[(picks.next().value ?? 0) % busy.length]?.ends();
      }
      expect(all.filter(({ left }) => left > 0)).toEqual([]);
      expect([places.taken, places.waiting]).toEqual([0, 0]);
    }),
  );
});
