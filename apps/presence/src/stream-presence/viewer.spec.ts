/*
 * A user who reads the stream is told of those whom he may see; of who is not to be seen any more that they are gone; of others nothing.
 */
import type { Presence, UserAlias } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { StreamViewer } from './viewer.js';

const [ann, ben] = ['ann', 'ben'] as UserAlias[] as [UserAlias, UserAlias];
const presence = (version: number, groups?: string[]): Presence => ({
  userAlias: ben,
  status: 'online',
  doNotDisturb: false,
  version,
  calls: [],
  devices: [],
  lastSeenAt: null,
  ...(groups && { groups }),
});
const sight = (groups: string[]) => ({ rule: 'same_group' as const, viewer: { userAlias: ann, groups } });

test('of who is seen everything is told but the groups', () => {
  const viewer = new StreamViewer(ann);
  viewer.begin(sight(['red']));
  expect(viewer.change(presence(1, ['red', 'blue']))).toEqual(presence(1));
});

test('who was seen is told to be gone, once; who never was is not', () => {
  const viewer = new StreamViewer(ann);
  viewer.begin(sight(['red']));
  expect(viewer.change(presence(1, ['blue']))).toBe('nothing');
  viewer.change(presence(2, ['red']));
  expect(viewer.change(presence(3, ['blue']))).toMatchObject({ status: 'offline', version: 3 });
  expect(viewer.change(presence(4, ['blue']))).toBe('nothing');
});

test('whoever goes on from an earlier stream begins anew where it cannot be known whether somebody was seen', () => {
  const viewer = new StreamViewer(ann);
  viewer.goOn(sight([]));
  expect(viewer.change(presence(1))).toEqual(presence(1));
  expect(viewer.change(presence(2, ['blue']))).toBe('anew');
});

test('before it is known what may be seen, nothing is', () => {
  expect(new StreamViewer(ann).ofMany(presence(1))).toBeUndefined();
});

test('other groups, or another rule, make what was told outdated; the same do not', () => {
  const viewer = new StreamViewer(ann);
  expect(viewer.isOutdatedBy(sight([]))).toBe(false);
  viewer.begin(sight(['red']));
  expect([viewer.isOutdatedBy(sight(['red'])), viewer.isOutdatedBy(sight([]))]).toEqual([false, true]);
  expect(viewer.isOutdatedBy({ ...sight(['red']), rule: 'everyone' })).toBe(true);
});
