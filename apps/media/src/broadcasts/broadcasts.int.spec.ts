/*
 * What becomes of broadcasts, on a real PostgreSQL: what is heard twice or late changes nothing; each is made by one process at a time, and of one that
 * is killed another goes on; nobody waits for ever; and nothing is left of what is over, or of a deleted app.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
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
import type { MediaSettings } from '../settings.js';
import { tellOf } from './broadcast-events.js';
import {
  type BroadcastRow,
  claimUnmade,
  giveBack,
  type Heard,
  nextDueIn,
  noteBegun,
  notePush,
  noteState,
  noteUnwanted,
  overdue,
  renew,
  savePush,
} from './broadcast-rows.js';
import { broadcastsOfDeletedApps, DeleteBroadcasts } from './delete-broadcasts.js';

const fleet = new Fleet();
const demo = 'demo' as AppId;
let schema: TestSchema;
let folder: string;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [media, departures, consumers, outbox, outboxFunctions, outboxRows, broadcasts]);
  folder = await mkdtemp(join(tmpdir(), 'broadcasts-'));
});
afterEach(async () => {
  await schema.drop();
  await rm(folder, { recursive: true, force: true });
});

const heardOf = (more: Partial<Heard> = {}): Heard => ({
  ...{ broadcastId: randomUUID() as BroadcastId, callId: randomUUID() as CallId, appId: demo, at: '2026-11-28T12:00:00.000Z', ...more },
});
const rowOf = async (id: string) => (await schema.query<BroadcastRow>('SELECT * FROM broadcasts WHERE broadcast_id = $1', [id])).rows[0];
const measured = { viewers: 2, latencyMs: 1200 };

test('what is heard twice, or late, changes nothing', async () => {
  const heard = heardOf();
  expect(await noteBegun(schema, heard)).toMatchObject({ state: 'starting', wanted: 'live', told: 1, run: 0 });
  expect(await noteBegun(schema, heard)).toBeUndefined();
  await noteUnwanted(schema, { ...heard, at: '2026-11-28T12:01:00.000Z' });
  await noteUnwanted(schema, { ...heard, at: '2026-11-28T12:02:00.000Z' });
  expect(await rowOf(heard.broadcastId)).toMatchObject({ wanted: 'stopped', stopped_at: new Date('2026-11-28T12:01:00.000Z') });
});

test('one process makes it at a time; of one that says nothing any more another goes on, and the first finds so', async () => {
  const heard = heardOf();
  await noteBegun(schema, heard);
  await schema.query("INSERT INTO rooms (call_id, app_id, node, generation, secret, pin) VALUES ($1, 'demo', 'janus-1', 1, 's', 'p')", [
    heard.callId,
  ]);
  const claimed = (await Promise.all([claimUnmade(schema, 5, 5), claimUnmade(schema, 5, 5)])).flat();
  expect(claimed).toMatchObject([{ run: 1, node: 'janus-1', room_secret: 's', pin: 'p', is_closed: false, before: 0 }]);
  const [first] = claimed;
  if (!first) throw new Error('nobody has it');
  expect(await claimUnmade(schema, 5, 5)).toEqual([]);
  expect(await renew(schema, first, 5, measured)).toMatchObject({ viewers: 2, most_viewers: 2, latency_ms: 1200, node: 'janus-1' });
  expect(await renew(schema, first, 5, { viewers: 1, latencyMs: null })).toMatchObject({ viewers: 1, most_viewers: 2, latency_ms: 1200 });
  expect(await nextDueIn(schema)).toBeGreaterThan(4000);

  await schema.query("UPDATE broadcasts SET look_at = now() - interval '1 second'");
  const [second] = await claimUnmade(schema, 5, 5);
  expect(second).toMatchObject({ run: 2 });
  expect(await renew(schema, first, 5, measured)).toBeUndefined();
  expect(await noteState(schema, first, { state: 'live' }, 60), 'a run that is over changes nothing').toBeUndefined();
  await giveBack(schema, first);
  expect(await claimUnmade(schema, 5, 5)).toEqual([]);
  if (!second) throw new Error('nobody has it');
  await giveBack(schema, second);
  expect(await claimUnmade(schema, 5, 5)).toMatchObject([{ run: 3 }]);
});

test('who waits for too long is known, and so is how many of an app go on that began before', async () => {
  for (const minute of [1, 2, 3]) await noteBegun(schema, heardOf({ at: `2026-11-28T12:0${minute}:00.000Z` }));
  await noteBegun(schema, heardOf({ appId: 'another' as AppId }));
  await schema.query("UPDATE broadcasts SET look_at = now() - interval '25 seconds' WHERE app_id = 'another'");
  expect(await overdue(schema, 20)).toMatchObject([{ app_id: 'another' }]);
  const claimed = (await claimUnmade(schema, 10, 5)).filter(({ app_id }) => app_id === demo);
  expect(claimed.toSorted((one, other) => one.started_at.getTime() - other.started_at.getTime()).map(({ before }) => before)).toEqual([
    0, 1, 2,
  ]);
});

test('a push is noted for as long as no other is wished, and its key goes when it fails, or the broadcast is over', async () => {
  const heard = heardOf();
  const { broadcastId } = heard;
  await noteBegun(schema, heard);
  const [claimed] = await claimUnmade(schema, 5, 5);
  if (!claimed) throw new Error('nobody has it');
  const sealed = Buffer.from('sealed');
  const [one, other] = [randomUUID(), randomUUID()];
  expect(await savePush(schema, { broadcastId, appId: 'another' as AppId, pushId: one, server: 'rtmp://a', sealed })).toBeUndefined();
  await savePush(schema, { broadcastId, appId: demo, pushId: one, server: 'rtmp://a', sealed });
  await savePush(schema, { broadcastId, appId: demo, pushId: other, server: 'rtmp://b', sealed });
  expect(await notePush(schema, { broadcastId, pushId: one, state: 'live' })).toBeUndefined();
  expect(await notePush(schema, { broadcastId, pushId: other, state: 'live' })).toMatchObject({ push_state: 'live', told: 2 });
  expect(await notePush(schema, { broadcastId, pushId: other, state: 'live' })).toBeUndefined();
  const failed = await notePush(schema, { broadcastId, pushId: other, state: 'failed', fault: 'broken' });
  expect(failed).toMatchObject({ push_state: 'failed', push_fault: 'broken', push_sealed: null });
  if (!failed) throw new Error('it did not fail');
  await schema.transaction((tx) => tellOf(tx, 'broadcast.push_failed', failed));
  const { rows } = await schema.query<{ event: { data: object } }>('SELECT event FROM outbox');
  expect(rows[0]?.event.data).toMatchObject({ push: { server: 'rtmp://b', state: 'failed', fault: 'broken' } });
  await savePush(schema, { broadcastId, appId: demo, pushId: one, server: 'rtmp://a', sealed });
  const over = await noteState(schema, claimed, { state: 'failed', fault: 'encoder_failed' }, 60);
  expect(over).toMatchObject({ state: 'failed', fault: 'encoder_failed', wanted: 'stopped', push_sealed: null, viewers: 0 });
  expect(await rowOf(broadcastId)).toMatchObject({ is_told_to_call: false });
  expect(await savePush(schema, { broadcastId, appId: demo, pushId: one, server: 'rtmp://a', sealed })).toBeUndefined();
});

test('what is over, or of a deleted app, goes with its files, and so do folders that nobody knows of', async () => {
  const [over, deleted, live] = [heardOf(), heardOf({ appId: 'gone' as AppId }), heardOf()];
  for (const heard of [over, deleted, live]) await noteBegun(schema, heard);
  for (const row of await claimUnmade(schema, 5, 60))
    if (row.broadcast_id === over.broadcastId) await noteState(schema, row, { state: 'stopped' }, 0);
  await schema.query("UPDATE broadcasts SET files_until = now() - interval '1 second' WHERE files_until IS NOT NULL");
  const [erasure] = broadcastsOfDeletedApps;
  expect((await schema.query(erasure?.statement ?? '', ['gone'])).rowCount).toBe(1);
  expect((await schema.query(erasure?.statement ?? '', ['gone'])).rowCount).toBe(0);
  const unknown = randomUUID();
  for (const id of [over.broadcastId, deleted.broadcastId, live.broadcastId, unknown]) {
    await mkdir(join(folder, id));
    await writeFile(join(folder, id, 'live.m3u8'), '#EXTM3U\n');
  }
  const sql = { schema: schema.schema, query: schema.query.bind(schema), transaction: schema.transaction.bind(schema) };
  const errors: unknown[] = [];
  const deleting = new DeleteBroadcasts(
    { background: sql } as never,
    { BROADCASTS_FOLDER: folder } as MediaSettings,
    (error) => void errors.push(error),
  );
  deleting.onApplicationBootstrap();
  try {
    const isThere = (id: string) =>
      stat(join(folder, id)).then(
        () => true,
        () => false,
      );
    await eventually(
      'them being gone',
      async () => !(await isThere(over.broadcastId)) && !(await isThere(deleted.broadcastId)) && !(await isThere(unknown)),
    );
    await eventually('nothing being known of them', async () => !(await rowOf(over.broadcastId)) && !(await rowOf(deleted.broadcastId)));
    expect([await isThere(live.broadcastId), (await rowOf(live.broadcastId))?.state]).toEqual([true, 'starting']);
    expect(errors).toEqual([]);
  } finally {
    await deleting.beforeApplicationShutdown();
  }
});
