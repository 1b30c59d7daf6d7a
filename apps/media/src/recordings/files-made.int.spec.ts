/* Files of recordings whose disk is full, and in whose pictures people are named: of a real Janus' files, on a real PostgreSQL, and a disk that is really full. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { DeviceId, UserAlias } from '@communication-center/contracts';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { canMount, SmallDisk } from '../small-disk.fixture.js';
import { aReplica, begin, demo, end, errors, here, needed, people, rowOf, stopAll, stopped } from './processing.fixture.js';
import { keepFeeds } from './recording-rows.js';

const fleet = new Fleet();
beforeEach(async () => begin(await TestSchema.migrated(fleet, needed)));
afterEach(async () => void expect(await end()).toEqual([]));

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
      await here.schema.query('UPDATE recording_jobs SET attempts = 4');
      replica.onApplicationBootstrap();
      const attempts = async () => (await here.schema.query<{ attempts: number }>('SELECT attempts FROM recording_jobs')).rows[0]?.attempts;
      await eventually('a try', async () => (await attempts()) === 5 && !existsSync(work) && errors.length > 0, 30_000);
      expect([(await rowOf(recordingId))?.state, (await readdir(raw)).length]).toEqual(['processing', recorded]);
      expect(await disk.freeBytes()).toBeGreaterThan(500_000);
      await here.schema.query("UPDATE recording_jobs SET next_attempt_at = now() - interval '1 second'");
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
      await stopAll();
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
      await keepFeeds(here.schema, recordingId, [{ feed, userAlias: 'alice' as UserAlias, deviceId: 'desk' as DeviceId }]);
      replica.wake();
      await eventually('the files', async () => (await rowOf(recordingId))?.state === 'ready', 60_000);
      const made = join(here.folder, 'kept', demo, recordingId, 'call.mp4');
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
