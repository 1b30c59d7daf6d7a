/*
 * Whoever is made anew under a deleted user's alias has no part in what was recorded under it, however the log is read, and in what is recorded later as
 * anybody has; servers read all of it still, and so do those who were recorded beside.
 */
import { randomUUID } from 'node:crypto';
import type { AppId, CallId, DeviceId, DirectoryEvent, RecordingId, UserAlias } from '@communication-center/contracts';
import { rowsOfApp } from '@communication-center/service';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { media } from '../migrations/1-media.js';
import { departures } from '../migrations/2-departures.js';
import { quality } from '../migrations/8-quality.js';
import { recordings } from '../migrations/10-recordings.js';
import { forgottenReaders } from '../migrations/12-forgotten-readers.js';
import { ForgetReaders } from './forget-readers.js';
import { keepFeeds, noteBegun, recordingOf, recordingsOfCall } from './recording-rows.js';

const [demo, other] = ['demo', 'other'] as AppId[] as [AppId, AppId];
const [alice, bob] = ['alice', 'bob'] as UserAlias[] as [UserAlias, UserAlias];
const readers = new ForgetReaders();
let schema: TestSchema;

beforeEach(async () => {
  schema = await TestSchema.migrated(new Fleet(), [media, departures, quality, recordings, forgottenReaders]);
});
afterEach(() => schema.drop());

/** Something recorded some minutes ago, of a call in which these sent something. */
async function recorded(appId: AppId, minutesAgo: number, ...aliases: UserAlias[]): Promise<{ recordingId: RecordingId; callId: CallId }> {
  const [recordingId, callId] = [randomUUID() as RecordingId, randomUUID() as CallId];
  await noteBegun(schema, { recordingId, callId, appId, sequence: 3, at: new Date().toISOString(), wanted: 'recording' });
  const feeds = aliases.map((userAlias) => ({ feed: `of ${userAlias}`, userAlias, deviceId: 'desk' as DeviceId }));
  await keepFeeds(schema, recordingId, feeds);
  await schema.query('UPDATE recording_feeds SET noted_at = now() - make_interval(mins => $2) WHERE recording_id = $1', [
    recordingId,
    minutesAgo,
  ]);
  return { recordingId, callId };
}

const event = (type: 'user.saved' | 'user.deleted', sequence: number, minutesAgo: number, appId = demo, userAlias = alice) =>
  ({
    ...{ type, appid: appId, subject: `user:${appId}/${userAlias}`, sequence, data: { userAlias } },
    time: new Date(Date.now() - minutesAgo * 60_000).toISOString(),
  }) as DirectoryEvent;
const read = (events: DirectoryEvent[], tombstones: { topic: string; key: string; isFollowed: boolean }[] = [], isRebuild = false) =>
  schema.transaction((tx) => readers.apply({ topic: 'directory.events', events, tombstones, tx, isRebuild } as never));
const maySee = async ({ recordingId, callId }: { recordingId: RecordingId; callId: CallId }, appId: AppId, reader?: UserAlias) => {
  const one = (await recordingOf(schema, appId, recordingId, reader)) !== undefined;
  const listed = (await recordingsOfCall(schema, appId, callId, reader)).length === 1;
  expect(listed).toBe(one);
  return one;
};

test('who is made anew sees nothing of before, and what is recorded from then on', async () => {
  const before = await recorded(demo, 60, alice, bob);
  expect(await maySee(before, demo, alice)).toBe(true);
  await read([event('user.deleted', 2, 30)]);
  expect([await maySee(before, demo, alice), await maySee(before, demo, bob), await maySee(before, demo)]).toEqual([false, true, true]);
  // A device that was on its way out when its user was deleted.
  const late = await recorded(demo, 29, alice);
  expect(await maySee(late, demo, alice)).toBe(false);
  await read([event('user.saved', 3, 20)]);
  const own = await recorded(demo, 10, alice, bob);
  expect([await maySee(before, demo, alice), await maySee(late, demo, alice), await maySee(own, demo, alice)]).toEqual([
    false,
    false,
    true,
  ]);
  // What is saved of a user later says nothing of whose the alias is.
  await read([event('user.saved', 4, 5)]);
  expect(await maySee(own, demo, alice)).toBe(true);
  await read([event('user.deleted', 5, 1)]);
  expect([await maySee(own, demo, alice), await maySee(own, demo, bob)]).toEqual([false, true]);
});

test('who was saved again and again, and never deleted, sees what there is; and so does somebody of that alias in another app', async () => {
  const [here, there] = [await recorded(demo, 60, bob), await recorded(other, 60, alice)];
  await read([event('user.saved', 2, 30, demo, bob), event('user.deleted', 2, 30)]);
  expect([await maySee(here, demo, bob), await maySee(there, other, alice), await maySee(there, demo, alice)]).toEqual([true, true, false]);
});

test('what is read twice, or of which only the tombstone is left, comes to the same', async () => {
  const before = await recorded(demo, 60, alice);
  const tombstone = (isFollowed: boolean) => [{ topic: 'directory.events', key: 'user:demo/alice', isFollowed }];
  await read([], tombstone(false));
  expect(await maySee(before, demo, alice)).toBe(false);
  await read([event('user.saved', 3, 20)]);
  const own = await recorded(demo, 10, alice);
  expect(await maySee(own, demo, alice)).toBe(true);
  await read([event('user.deleted', 2, 30), event('user.saved', 3, 20)], tombstone(true));
  expect([await maySee(before, demo, alice), await maySee(own, demo, alice)]).toEqual([false, true]);
  await read([event('user.deleted', 2, 30)]);
  expect(await maySee(own, demo, alice)).toBe(true);
  await read([event('user.deleted', 9, 1)], [], true);
  expect(await maySee(own, demo, alice), 'a rebuild reads what was acted on when it happened').toBe(true);
});

test('it goes with its app; of one that records nothing there is nothing to be noted', async () => {
  await read([event('user.deleted', 2, 30)]);
  expect((await schema.query('SELECT FROM forgotten_readers')).rowCount).toBe(0);
  for (const appId of [demo, other]) await recorded(appId, 60, bob);
  await read([event('user.deleted', 2, 30), event('user.deleted', 2, 30, other)]);
  await schema.query(rowsOfApp('forgotten_readers').statement, [demo]);
  expect((await schema.query('SELECT app_id FROM forgotten_readers')).rows).toEqual([{ app_id: other }]);
});
