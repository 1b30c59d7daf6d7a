/*
 * Broadcasts beyond what an app, or a replica, may make at a time, and those whose disk is full, end by name, for themselves: others go on, and so does what
 * calls do. On a real PostgreSQL, with real studios, on a disk that is really full.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppId, BroadcastId, CallId } from '@communication-center/contracts';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { media } from '../migrations/1-media.js';
import { departures } from '../migrations/2-departures.js';
import { consumers } from '../migrations/3-consumers.js';
import { outbox } from '../migrations/4-outbox.js';
import { outboxFunctions } from '../migrations/5-outbox-functions.js';
import { outboxRows } from '../migrations/6-outbox-rows.js';
import { broadcasts } from '../migrations/11-broadcasts.js';
import { settings as allSettings, type MediaSettings } from '../settings.js';
import { canMount, SmallDisk } from '../small-disk.fixture.js';
import { type BroadcastRow, type Heard, noteBegun, noteUnwanted } from './broadcast-rows.js';
import { CarryOutBroadcasts } from './carry-out-broadcasts.js';

const fleet = new Fleet();
const demo = 'demo' as AppId;
let schema: TestSchema;
let folder: string;
const errors: unknown[] = [];
const replicas: CarryOutBroadcasts[] = [];
const disks: SmallDisk[] = [];

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [media, departures, consumers, outbox, outboxFunctions, outboxRows, broadcasts]);
  folder = await mkdtemp(join(tmpdir(), 'limits-'));
});
afterEach(async () => {
  for (const replica of replicas.splice(0)) await replica.beforeApplicationShutdown();
  await schema.drop();
  for (const disk of disks.splice(0)) disk.leave();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A Janus that is well, and gives nothing to anybody: a broadcast of it is dark and silent, and as large as any. */
const silentNode = { isWell: true, attach: () => Promise.reject(new Error('this Janus answers nobody')) };

function aReplica(more: Partial<MediaSettings> = {}): CarryOutBroadcasts {
  const settings = {
    ...{
      CALLS_URL: ['http://127.0.0.1:9'],
      PROFILE: 'development',
      SECRETS_KEY: allSettings.shape.SECRETS_KEY.parse(randomBytes(32).toString('base64')),
    },
    ...{
      BROADCASTS: 2,
      BROADCASTS_PER_APP: 5,
      BROADCASTS_FOLDER: folder,
      BROADCASTS_FREE_BYTES: 0,
      BROADCAST_HOURS: 12,
      KEEP_BROADCASTS_DAYS: 1,
    },
    ...{
      BROADCAST_HEIGHT: 180,
      BROADCAST_FRAMES: 10,
      BROADCAST_BITRATE: 300_000,
      BROADCAST_HOST: '127.0.0.1',
      OUTSIDE_ALLOWED: [],
      OUTSIDE_PORTS: [],
    },
    ...more,
  } as unknown as MediaSettings;
  const sql = { schema: schema.schema, query: schema.query.bind(schema), transaction: schema.transaction.bind(schema) };
  const replica = new CarryOutBroadcasts(
    { ...sql, of: () => sql, background: sql } as never,
    { tokenFor: async () => 'nobody asks' } as never,
    { named: () => silentNode } as never,
    { committed: () => undefined } as never,
    { of: async () => 0 } as never,
    settings,
    (error) => void errors.push(error),
  );
  replicas.push(replica);
  replica.onApplicationBootstrap();
  return replica;
}

async function begun(minute: number, appId = demo): Promise<Heard> {
  const at = new Date(Date.now() - 60_000 + minute * 1000).toISOString();
  const heard = { broadcastId: randomUUID() as BroadcastId, callId: randomUUID() as CallId, appId, at };
  await schema.query("INSERT INTO rooms (call_id, app_id, node, generation, secret, pin) VALUES ($1, $2, 'janus-1', 1, 's', 'p')", [
    heard.callId,
    appId,
  ]);
  await noteBegun(schema, heard);
  return heard;
}
const rowOf = async ({ broadcastId }: Heard) =>
  (await schema.query<BroadcastRow>('SELECT * FROM broadcasts WHERE broadcast_id = $1', [broadcastId])).rows[0];
const becomes = (heard: Heard, state: string) =>
  eventually(`${state}`, async () => ((await rowOf(heard))?.state === state ? rowOf(heard) : undefined), 30_000);

test('beyond what an app may broadcast at a time the next fails by name, and so does what no replica had room for; what goes on does', async () => {
  const replica = aReplica({ BROADCASTS: 3, BROADCASTS_PER_APP: 1 });
  const [first, second] = [await begun(1), await begun(2)];
  replica.wake();
  expect(await becomes(second, 'failed')).toMatchObject({ fault: 'too_many' });
  await becomes(first, 'live');
  // Two of others take what room there is; of the third nobody had any for twenty seconds.
  const [third, fourth, fifth] = [await begun(3, 'b' as AppId), await begun(4, 'c' as AppId), await begun(5, 'd' as AppId)];
  replica.wake();
  await becomes(third, 'live');
  await becomes(fourth, 'live');
  expect((await rowOf(fifth))?.state).toBe('starting');
  await schema.query("UPDATE broadcasts SET look_at = now() - interval '21 seconds' WHERE broadcast_id = $1", [fifth.broadcastId]);
  replica.wake();
  expect(await becomes(fifth, 'failed')).toMatchObject({ fault: 'no_capacity' });
  expect(await Promise.all([first, third, fourth].map(async (one) => (await rowOf(one))?.state))).toEqual(['live', 'live', 'live']);
  // Once one is over there is room for the app's next.
  await noteUnwanted(schema, { ...first, at: new Date().toISOString() });
  await becomes(first, 'stopped');
  const next = await begun(6);
  replica.wake();
  await becomes(next, 'live');
}, 60_000);

/** What takes as long as media do: for npm run check:long. */
test.runIf(canMount && process.env.EVERY_BROADCAST === 'true')(
  'one whose disk becomes full in the middle fails by name, gives back its room at once, and another may begin',
  async () => {
    const disk = new SmallDisk(8);
    disks.push(disk);
    // By what is free of the disk, and by what a studio finds.
    for (const freeBytes of [1_000_000, 0]) {
      const replica = aReplica({ BROADCASTS_FOLDER: disk.folder, BROADCASTS_FREE_BYTES: freeBytes });
      const heard = await begun(1);
      replica.wake();
      await becomes(heard, 'live');
      const ballast = await disk.fill(0);
      const failed = await becomes(heard, 'failed');
      expect(failed).toMatchObject({ fault: 'disk_full', is_told_to_call: false });
      await eventually('its room being free', () => !existsSync(join(disk.folder, heard.broadcastId)));
      await rm(ballast);
      const next = await begun(2);
      replica.wake();
      await becomes(next, 'live');
      await noteUnwanted(schema, { ...next, at: new Date().toISOString() });
      await becomes(next, 'stopped');
      await replica.beforeApplicationShutdown();
      replicas.splice(0);
      for (const name of await readdir(disk.folder)) await rm(join(disk.folder, name), { recursive: true, force: true, maxRetries: 5 });
    }
  },
  90_000,
);
