/*
 * What becomes of recordings, on a real PostgreSQL, from files that a real Janus wrote: what is heard twice or late changes nothing; each is made into
 * files once, whatever replicas do at the same moment; who is killed leaves what he made to the next; and nothing is left of what is deleted.
 */
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AppId, CallId, DeviceId, RecordingId, UserAlias } from '@communication-center/contracts';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { media } from '../migrations/1-media.js';
import { departures } from '../migrations/2-departures.js';
import { consumers } from '../migrations/3-consumers.js';
import { outbox } from '../migrations/4-outbox.js';
import { outboxFunctions } from '../migrations/5-outbox-functions.js';
import { outboxRows } from '../migrations/6-outbox-rows.js';
import { quality } from '../migrations/8-quality.js';
import { recordings } from '../migrations/10-recordings.js';
import { forgottenReaders } from '../migrations/12-forgotten-readers.js';
import type { MediaSettings } from '../settings.js';
import { canMount, SmallDisk } from '../small-disk.fixture.js';
import { DeleteRecordings, recordingsOfDeletedApps } from './delete-recordings.js';
import { ProcessRecordings } from './process-recordings.js';
import {
  claimDue,
  type Heard,
  keepFeeds,
  noteBegun,
  noteState,
  noteWanted,
  type RecordingRow,
  recordingOf,
  recordingsOfCall,
} from './recording-rows.js';
import { DiskStore } from './storage/disk-store.js';

const fleet = new Fleet();
const demo = 'demo' as AppId;
const fixtures = join(import.meta.dirname, 'fixtures/two-people');
let schema: TestSchema;
let folder: string;
const errors: unknown[] = [];
const replicas: ProcessRecordings[] = [];

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [
    media,
    departures,
    consumers,
    outbox,
    outboxFunctions,
    outboxRows,
    quality,
    recordings,
    forgottenReaders,
  ]);
  folder = await mkdtemp(join(tmpdir(), 'recordings-'));
});
afterEach(async () => {
  for (const replica of replicas.splice(0)) await replica.beforeApplicationShutdown();
  await schema.drop();
  await rm(folder, { recursive: true, force: true });
  expect(errors.splice(0)).toEqual([]);
});

const heardOf = (more: Partial<Heard> = {}): Heard => ({
  ...{ recordingId: randomUUID() as RecordingId, callId: randomUUID() as CallId, appId: demo },
  ...{ sequence: 3, at: '2026-11-28T12:00:00.000Z', wanted: 'recording', ...more },
});
const database = () => {
  const sql = { schema: schema.schema, query: schema.query.bind(schema), transaction: schema.transaction.bind(schema) };
  return { ...sql, of: () => sql, background: sql } as never;
};
const storages = () => {
  const storage = { storageId: null, store: new DiskStore(join(folder, 'kept')), prefix: '' };
  return { currentOf: async () => storage, of: async () => storage, keptDaysOf: async () => 7 } as never;
};
/** How people are called: who is not named here has no name. */
const people = { names: new Map<string, string>(), of: async () => people.names };
function aReplica(more: Partial<MediaSettings> = {}): ProcessRecordings {
  const settings = { RECORDINGS_FOLDER: folder, RECORDING_JOBS: 1, RECORDING_STEP_MS: 60_000, KEEP_RECORDINGS_DAYS: 30, ...more };
  const report = (error: unknown) => void errors.push(error);
  const replica = new ProcessRecordings(
    database(),
    { committed: () => undefined } as never,
    storages(),
    settings as MediaSettings,
    report,
    people as never,
  );
  replicas.push(replica);
  return replica;
}
const rowOf = async (recordingId: string) =>
  (await schema.query<RecordingRow>('SELECT * FROM recordings WHERE recording_id = $1', [recordingId])).rows[0];
const toldOf = async () => (await schema.query<{ type: string }>("SELECT event->>'type' AS type FROM outbox")).rows.map(({ type }) => type);

/** A recording that came to its end, with what a Janus wrote of it. */
async function stopped(replica: ProcessRecordings, from = fixtures): Promise<RecordingId> {
  const heard = heardOf();
  await noteBegun(schema, heard);
  const { raw } = replica.foldersOf(heard.recordingId);
  if (from) await cp(from, raw, { recursive: true });
  const row = await noteState(schema, { recording_id: heard.recordingId, state: 'starting' }, { state: 'processing' }, true);
  if (!row) throw new Error('it did not stop');
  await replica.add(schema, row);
  await schema.query("UPDATE recording_jobs SET next_attempt_at = now() - interval '1 second'");
  return heard.recordingId;
}

test('what is heard twice, late or of another recording changes nothing', async () => {
  const heard = heardOf();
  expect(await noteBegun(schema, heard)).toMatchObject({ state: 'starting', wanted: 'recording', told: 1 });
  expect(await noteBegun(schema, heard)).toBeUndefined();
  await noteWanted(schema, { ...heard, sequence: 5, wanted: 'recording' });
  await noteWanted(schema, { ...heard, sequence: 4, wanted: 'paused' });
  expect(await rowOf(heard.recordingId)).toMatchObject({ wanted: 'recording' });
  await noteWanted(schema, { ...heard, sequence: 6, wanted: 'stopped', at: '2026-11-28T12:01:00.000Z' });
  await noteWanted(schema, { ...heard, sequence: 7, wanted: 'paused' });
  expect(await rowOf(heard.recordingId)).toMatchObject({ wanted: 'stopped', stopped_at: new Date('2026-11-28T12:01:00.000Z') });
});

test('a user reads the recordings of a call in which he was recorded, and no others; a server of the app reads all, and another app none', async () => {
  const [alice, bob, eve] = ['alice', 'bob', 'eve'] as UserAlias[];
  const [first, second] = [heardOf(), heardOf()];
  for (const one of [first, { ...second, callId: first.callId, sequence: 5 }]) await noteBegun(schema, one);
  const feed = (userAlias = alice as UserAlias) => ({ feed: `of-${userAlias}`, userAlias, deviceId: 'desk' as DeviceId });
  await keepFeeds(schema, first.recordingId, [feed(alice), feed(bob)]);
  await keepFeeds(schema, second.recordingId, [feed(alice)]);
  const read = async (reader?: UserAlias, app = demo) => (await recordingsOfCall(schema, app, first.callId, reader)).length;
  expect([await read(), await read(alice), await read(bob), await read(eve)]).toEqual([2, 2, 1, 0]);
  expect([await read(undefined, 'other' as AppId), await read(alice, 'other' as AppId)]).toEqual([0, 0]);
  const one = async (reader?: UserAlias) => (await recordingOf(schema, demo, second.recordingId, reader)) !== undefined;
  expect([await one(), await one(alice), await one(bob)]).toEqual([true, true, false]);
});

test('an active one is looked at by one replica at a time, with where its call is carried', async () => {
  const heard = heardOf();
  await noteBegun(schema, heard);
  await schema.query("INSERT INTO rooms (call_id, app_id, node, generation, secret, pin) VALUES ($1, 'demo', 'janus-1', 1, 's', 'p')", [
    heard.callId,
  ]);
  const claimed = await Promise.all([claimDue(schema, 20, 15), claimDue(schema, 20, 15)]);
  expect(claimed.flat()).toMatchObject([{ recording_id: heard.recordingId, node: 'janus-1', room_secret: 's', is_closed: false }]);
  await noteState(
    schema,
    { recording_id: heard.recordingId, state: 'starting' },
    { state: 'failed', fault: 'disk_full', keptSeconds: 60 },
    true,
  );
  expect(await claimDue(schema, 20, 15)).toEqual([]);
});

test('files are made once, by whichever replica, and told with what they are; then nothing is left of what they were made of', async () => {
  const replica = aReplica();
  const other = aReplica();
  const recordingId = await stopped(replica);
  await keepFeeds(schema, recordingId, []);
  for (const one of [replica, other]) one.onApplicationBootstrap();
  await eventually('the files', async () => (await rowOf(recordingId))?.state !== 'processing', 60_000);
  expect(await rowOf(recordingId)).toMatchObject({ state: 'ready', fault: null, storage_id: null });
  const { rows } = await schema.query<{ name: string; described: { bytes: number; seconds: number } }>(
    'SELECT name, described FROM recording_files ORDER BY number',
  );
  expect(rows.slice(0, 2).map(({ name }) => name)).toEqual(['call.mp4', 'call.m4a']);
  expect(rows.length).toBeGreaterThanOrEqual(6);
  for (const { name, described } of rows) {
    expect((await stat(join(folder, 'kept', demo, recordingId, name))).size, name).toBe(described.bytes);
  }
  const { stdout } = await promisify(execFile)('ffprobe', [
    ...['-v', 'error', '-show_entries', 'format=duration:stream=codec_name,width,height', '-of', 'csv=p=0'],
    join(folder, 'kept', demo, recordingId, 'call.mp4'),
  ]);
  // Four seconds of two people who flash and beep.
  const [picture, sound, seconds] = stdout.trim().split('\n');
  expect([picture, sound]).toEqual(['h264,1280,720', 'aac']);
  expect(Math.abs(Number(seconds) - (rows[0]?.described.seconds ?? 0))).toBeLessThan(0.1);
  expect(Math.abs(Number(seconds) - 4)).toBeLessThan(1);
  const { raw, work } = replica.foldersOf(recordingId);
  for (const gone of [raw, work]) await expect(stat(gone)).rejects.toThrow('ENOENT');
  expect((await schema.query('SELECT FROM recording_jobs')).rowCount).toBe(0);
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
  await schema.query("UPDATE recording_jobs SET attempts = attempts + 1, next_attempt_at = now() - interval '1 second'");
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
  await schema.query("UPDATE recording_jobs SET attempts = 5, next_attempt_at = now() - interval '1 second'");
  replica.wake();
  await eventually('its end', async () => (await rowOf(broken))?.state === 'failed', 20_000);
}, 60_000);

test('what is deleted, or of a deleted app, goes with its files, wherever they are', async () => {
  const replica = aReplica();
  const recordingId = await stopped(replica, '');
  await schema.query("UPDATE recordings SET state = 'ready', expires_at = now() + interval '1 day'");
  await schema.query('DELETE FROM recording_jobs');
  const described = { name: 'call.mp4', kind: 'call', contentType: 'video/mp4', bytes: 4, seconds: 1 };
  await schema.query("INSERT INTO recording_files VALUES ($1, 0, 'call.mp4', $2)", [recordingId, described]);
  await writeFile(join(folder, 'file'), 'film');
  await new DiskStore(join(folder, 'kept')).keep(`demo/${recordingId}/call.mp4`, { path: join(folder, 'file'), contentType: 'video/mp4' });
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
    expect((await schema.query(erasure?.statement ?? '', ['another'])).rowCount).toBe(0);
    expect((await schema.query(erasure?.statement ?? '', [demo])).rowCount).toBe(1);
    expect((await schema.query(erasure?.statement ?? '', [demo])).rowCount).toBe(0);
    await deleting.delete(recordingId);
    await eventually('it being gone', async () => (await rowOf(recordingId)) === undefined, 10_000);
    await expect(stat(join(folder, 'kept/demo', recordingId))).rejects.toThrow('ENOENT');
    expect(await toldOf()).toEqual([]);
  } finally {
    await deleting.beforeApplicationShutdown();
  }
});

test.runIf(canMount)(
  'of which the files find no room fails by name, gives back what it took at each try, and is made where there is room by then',
  async () => {
    const disk = new SmallDisk(8);
    try {
      const replica = aReplica({ RECORDINGS_FOLDER: disk.folder });
      const recordingId = await stopped(replica);
      const { raw, work } = replica.foldersOf(recordingId);
      const recorded = (await readdir(raw)).length;
      const ballast = await disk.fill(600_000);
      await schema.query('UPDATE recording_jobs SET attempts = 4');
      replica.onApplicationBootstrap();
      const attempts = async () => (await schema.query<{ attempts: number }>('SELECT attempts FROM recording_jobs')).rows[0]?.attempts;
      await eventually('a try', async () => (await attempts()) === 5 && !existsSync(work) && errors.length > 0, 30_000);
      expect([(await rowOf(recordingId))?.state, (await readdir(raw)).length]).toEqual(['processing', recorded]);
      expect(await disk.freeBytes()).toBeGreaterThan(500_000);
      await schema.query("UPDATE recording_jobs SET next_attempt_at = now() - interval '1 second'");
      replica.wake();
      await eventually('its end', async () => (await rowOf(recordingId))?.state === 'failed', 30_000);
      expect(await rowOf(recordingId)).toMatchObject({ fault: 'disk_full' });
      expect([existsSync(work), (await readdir(raw)).length]).toEqual([false, recorded]);
      errors.length = 0;

      await rm(ballast);
      const next = await stopped(replica);
      replica.wake();
      await eventually('the files of another', async () => (await rowOf(next))?.state === 'ready', 60_000);
    } finally {
      for (const replica of replicas.splice(0)) await replica.beforeApplicationShutdown();
      disk.leave();
    }
  },
  120_000,
);

test('who has a name is called by it in the picture, whatever is in it, and no program is told it', async () => {
  const replica = aReplica();
  const name = "Ada %{pts} ':x=0;[in]\\";
  const pictures: Buffer[] = [];
  const told = new Set<string>();
  const looking = setInterval(() => {
    void promisify(execFile)('ps', ['-eo', 'args']).then(({ stdout }) => void told.add(String(stdout.includes('%{pts}'))));
  }, 50);
  replica.onApplicationBootstrap();
  try {
    for (const names of [[], [['alice', name]]] as [string, string][][]) {
      people.names = new Map(names);
      const recordingId = await stopped(replica);
      const [file = ''] = (await readdir(replica.foldersOf(recordingId).raw)).toSorted();
      const feed = /-user-(.+)-\d+-(?:audio|video)-\d+\.mjr/.exec(file)?.[1] ?? '';
      await keepFeeds(schema, recordingId, [{ feed, userAlias: 'alice' as UserAlias, deviceId: 'desk' as DeviceId }]);
      replica.wake();
      await eventually('the files', async () => (await rowOf(recordingId))?.state === 'ready', 60_000);
      const made = join(folder, 'kept', demo, recordingId, 'call.mp4');
      const looked = ['-v', 'error', '-ss', '2', '-i', made, '-frames:v', '1', '-vf', 'format=gray', '-f', 'rawvideo', '-'];
      const { stdout } = await promisify(execFile)('ffmpeg', looked, { encoding: 'buffer', maxBuffer: 10_000_000 });
      pictures.push(stdout);
    }
  } finally {
    clearInterval(looking);
    people.names = new Map();
  }
  const [without = Buffer.alloc(0), named = Buffer.alloc(0)] = pictures;
  const isChanged = (x: number, y: number) => Math.abs((without[y * 1280 + x] ?? 0) - (named[y * 1280 + x] ?? 0)) > 40;
  const changed = Array.from({ length: 1280 * 720 }, (_, at) => at).filter((at) => isChanged(at % 1280, Math.floor(at / 1280)));
  // At the lower left of one tile of two, and nowhere else.
  expect(changed.length).toBeGreaterThan(500);
  const across = changed.map((at) => at % 1280);
  const [left, right] = [across.reduce((least, x) => Math.min(least, x)), across.reduce((most, x) => Math.max(most, x))];
  expect(Math.floor(left / 640)).toBe(Math.floor(right / 640));
  expect(changed.every((at) => Math.floor(at / 1280) > 360)).toBe(true);
  expect([...told]).toEqual(['false']);
}, 120_000);
