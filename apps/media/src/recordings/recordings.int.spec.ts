/*
 * What becomes of recordings, on a real PostgreSQL, from files that a real Janus wrote: what is heard twice or late changes nothing; each is made into
 * files once, whatever replicas do at the same moment; who is killed leaves what he made to the next; and nothing is left of what is deleted.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AppId, DeviceId, UserAlias } from '@communication-center/contracts';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeleteRecordings, recordingsOfDeletedApps } from './delete-recordings.js';
import {
  aReplica,
  begin,
  database,
  demo,
  end,
  errors,
  heardOf,
  here,
  needed,
  rowOf,
  stopped,
  storages,
  toldOf,
} from './processing.fixture.js';
import { claimDue, keepFeeds, noteBegun, noteState, noteWanted, recordingOf, recordingsOfCall } from './recording-rows.js';
import { DiskStore } from './storage/disk-store.js';

const fleet = new Fleet();
beforeEach(async () => begin(await TestSchema.migrated(fleet, needed)));
afterEach(async () => void expect(await end()).toEqual([]));

test('what is heard twice, late or of another recording changes nothing', async () => {
  const heard = heardOf();
  expect(await noteBegun(here.schema, heard)).toMatchObject({ state: 'starting', wanted: 'recording', told: 1 });
  expect(await noteBegun(here.schema, heard)).toBeUndefined();
  await noteWanted(here.schema, { ...heard, sequence: 5, wanted: 'recording' });
  await noteWanted(here.schema, { ...heard, sequence: 4, wanted: 'paused' });
  expect(await rowOf(heard.recordingId)).toMatchObject({ wanted: 'recording' });
  await noteWanted(here.schema, { ...heard, sequence: 6, wanted: 'stopped', at: '2026-11-28T12:01:00.000Z' });
  await noteWanted(here.schema, { ...heard, sequence: 7, wanted: 'paused' });
  expect(await rowOf(heard.recordingId)).toMatchObject({ wanted: 'stopped', stopped_at: new Date('2026-11-28T12:01:00.000Z') });
});

test('a user reads the recordings of a call in which he was recorded, and no others; a server of the app reads all, and another app none', async () => {
  const [alice, bob, eve] = ['alice', 'bob', 'eve'] as UserAlias[];
  const [first, second] = [heardOf(), heardOf()];
  for (const one of [first, { ...second, callId: first.callId, sequence: 5 }]) await noteBegun(here.schema, one);
  const feed = (userAlias = alice as UserAlias) => ({ feed: `of-${userAlias}`, userAlias, deviceId: 'desk' as DeviceId });
  await keepFeeds(here.schema, first.recordingId, [feed(alice), feed(bob)]);
  await keepFeeds(here.schema, second.recordingId, [feed(alice)]);
  const read = async (reader?: UserAlias, app = demo) => (await recordingsOfCall(here.schema, app, first.callId, reader)).length;
  expect([await read(), await read(alice), await read(bob), await read(eve)]).toEqual([2, 2, 1, 0]);
  expect([await read(undefined, 'other' as AppId), await read(alice, 'other' as AppId)]).toEqual([0, 0]);
  const one = async (reader?: UserAlias) => (await recordingOf(here.schema, demo, second.recordingId, reader)) !== undefined;
  expect([await one(), await one(alice), await one(bob)]).toEqual([true, true, false]);
});

test('an active one is looked at by one replica at a time, with where its call is carried', async () => {
  const heard = heardOf();
  await noteBegun(here.schema, heard);
  await here.schema.query(
    "INSERT INTO rooms (call_id, app_id, node, generation, secret, pin) VALUES ($1, 'demo', 'janus-1', 1, 's', 'p')",
    [heard.callId],
  );
  const claimed = await Promise.all([claimDue(here.schema, 20, 15), claimDue(here.schema, 20, 15)]);
  expect(claimed.flat()).toMatchObject([{ recording_id: heard.recordingId, node: 'janus-1', room_secret: 's', is_closed: false }]);
  await noteState(
    here.schema,
    { recording_id: heard.recordingId, state: 'starting' },
    { state: 'failed', fault: 'disk_full', keptSeconds: 60 },
    true,
  );
  expect(await claimDue(here.schema, 20, 15)).toEqual([]);
});

test('files are made once, by whichever replica, and told with what they are; then nothing is left of what they were made of', async () => {
  const replica = aReplica();
  const other = aReplica();
  const recordingId = await stopped(replica);
  await keepFeeds(here.schema, recordingId, []);
  for (const one of [replica, other]) one.onApplicationBootstrap();
  await eventually('the files', async () => (await rowOf(recordingId))?.state !== 'processing', 60_000);
  expect(await rowOf(recordingId)).toMatchObject({ state: 'ready', fault: null, storage_id: null });
  const { rows } = await here.schema.query<{ name: string; described: { bytes: number; seconds: number } }>(
    'SELECT name, described FROM recording_files ORDER BY number',
  );
  expect(rows.slice(0, 2).map(({ name }) => name)).toEqual(['call.mp4', 'call.m4a']);
  expect(rows.length).toBeGreaterThanOrEqual(6);
  for (const { name, described } of rows) {
    expect((await stat(join(here.folder, 'kept', demo, recordingId, name))).size, name).toBe(described.bytes);
  }
  const { stdout } = await promisify(execFile)('ffprobe', [
    ...['-v', 'error', '-show_entries', 'format=duration:stream=codec_name,width,height', '-of', 'csv=p=0'],
    join(here.folder, 'kept', demo, recordingId, 'call.mp4'),
  ]);
  // Four seconds of two people who flash and beep.
  const [picture, sound, seconds] = stdout.trim().split('\n');
  expect([picture, sound]).toEqual(['h264,1280,720', 'aac']);
  expect(Math.abs(Number(seconds) - (rows[0]?.described.seconds ?? 0))).toBeLessThan(0.1);
  expect(Math.abs(Number(seconds) - 4)).toBeLessThan(1);
  const { raw, work } = replica.foldersOf(recordingId);
  for (const gone of [raw, work]) await expect(stat(gone)).rejects.toThrow('ENOENT');
  expect((await here.schema.query('SELECT FROM recording_jobs')).rowCount).toBe(0);
  expect(await toldOf()).toEqual(['recording.ready']);
}, 90_000);

test('whose process was killed in the middle is taken over, and only the step it fell into is made again', async () => {
  const killed = aReplica();
  const recordingId = await stopped(killed);
  const { work } = killed.foldersOf(recordingId);
  killed.onApplicationBootstrap();
  await eventually('some steps', async () => (await readdir(work).catch(() => [])).some((name) => name.startsWith('even-')), 30_000);
  await killed.beforeApplicationShutdown();
  // Whoever is killed gives nothing back: its lease runs out. A draft of it may be there still.
  await here.schema.query("UPDATE recording_jobs SET attempts = attempts + 1, next_attempt_at = now() - interval '1 second'");
  await writeFile(join(work, 'draft-1-call.mp4'), 'half');
  const kept = (await readdir(work)).filter((name) => name.startsWith('stream-') || name.startsWith('even-'));
  const times = await Promise.all(kept.map(async (name) => [name, (await stat(join(work, name))).mtimeMs]));
  expect(times.length).toBeGreaterThan(0);
  const next = aReplica();
  const seen = new Map<unknown, unknown>();
  const looking = setInterval(() => {
    for (const [name] of times)
      void stat(join(work, String(name))).then(
        ({ mtimeMs }) => seen.set(name, mtimeMs),
        () => undefined,
      );
  }, 20);
  next.onApplicationBootstrap();
  await eventually('the files', async () => (await rowOf(recordingId))?.state === 'ready', 60_000);
  clearInterval(looking);
  for (const [name, at] of times) expect(seen.get(name), String(name)).toBe(at);
}, 90_000);

test('whoever sends what nobody can read spoils no recording of the others', async () => {
  const replica = aReplica();
  const recordingId = await stopped(replica);
  const { raw } = replica.foldersOf(recordingId);
  const [name = ''] = (await readdir(raw)).filter((one) => one.includes('-video-'));
  const bytes = await readFile(join(raw, name));
  // The packets stay what they are, and what they carry is rubbish.
  let at = 10 + bytes.readUInt16BE(8);
  while (at + 10 < bytes.length) {
    const length = bytes.readUInt16BE(at + 8);
    randomBytes(Math.max(0, length - 12)).copy(bytes, at + 22);
    at += 10 + length;
  }
  await writeFile(join(raw, name), bytes);
  replica.onApplicationBootstrap();
  await eventually('the files', async () => (await rowOf(recordingId))?.state === 'ready', 60_000);
  errors.length = 0;
}, 90_000);

test('of which nothing was recorded fails, and so does one that nobody can make, after six attempts', async () => {
  const replica = aReplica();
  const empty = await stopped(replica, '');
  replica.onApplicationBootstrap();
  await eventually('its end', async () => (await rowOf(empty))?.state === 'failed', 20_000);
  expect(await rowOf(empty)).toMatchObject({ fault: 'nothing_recorded' });
  const broken = await stopped(replica);
  const { raw } = replica.foldersOf(broken);
  for (const name of await readdir(raw)) {
    const whole = join(raw, name);
    await writeFile(whole, Buffer.concat([Buffer.from('MJR00002'), Buffer.from([0, 2]), Buffer.from('{}')]));
  }
  await here.schema.query("UPDATE recording_jobs SET attempts = 5, next_attempt_at = now() - interval '1 second'");
  replica.wake();
  await eventually('its end', async () => (await rowOf(broken))?.state === 'failed', 20_000);
}, 60_000);

test('what is deleted, or of a deleted app, goes with its files, wherever they are', async () => {
  const replica = aReplica();
  const recordingId = await stopped(replica, '');
  await here.schema.query("UPDATE recordings SET state = 'ready', expires_at = now() + interval '1 day'");
  await here.schema.query('DELETE FROM recording_jobs');
  const described = { name: 'call.mp4', kind: 'call', contentType: 'video/mp4', bytes: 4, seconds: 1 };
  await here.schema.query("INSERT INTO recording_files VALUES ($1, 0, 'call.mp4', $2)", [recordingId, described]);
  await writeFile(join(here.folder, 'file'), 'film');
  await new DiskStore(join(here.folder, 'kept')).keep(`demo/${recordingId}/call.mp4`, {
    path: join(here.folder, 'file'),
    contentType: 'video/mp4',
  });
  const deleting = new DeleteRecordings(
    database(),
    storages(),
    replica,
    { committed: () => undefined } as never,
    (error) => void errors.push(error),
  );
  deleting.onApplicationBootstrap();
  try {
    const [erasure] = recordingsOfDeletedApps;
    expect((await here.schema.query(erasure?.statement ?? '', ['another'])).rowCount).toBe(0);
    expect((await here.schema.query(erasure?.statement ?? '', [demo])).rowCount).toBe(1);
    expect((await here.schema.query(erasure?.statement ?? '', [demo])).rowCount).toBe(0);
    await deleting.delete(recordingId);
    await eventually('it being gone', async () => (await rowOf(recordingId)) === undefined, 10_000);
    await expect(stat(join(here.folder, 'kept/demo', recordingId))).rejects.toThrow('ENOENT');
    expect(await toldOf()).toEqual([]);
  } finally {
    await deleting.beforeApplicationShutdown();
  }
});
