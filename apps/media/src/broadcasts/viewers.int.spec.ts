/*
 * Viewers over two replicas, of which one composes: either gives the playlists and segments, and counts whoever watches once, whichever it asks; when the one
 * that composes is gone the other goes on in the same playlist. And a crowd of them takes no more of a replica than it may.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import type { AppId, BroadcastId, CallId, Subject } from '@communication-center/contracts';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import type { StreamableFile } from '@nestjs/common';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { media } from '../migrations/1-media.js';
import { broadcasts } from '../migrations/11-broadcasts.js';
import { settings as allSettings } from '../settings.js';
import { claimUnmade, noteBegun, noteState, renew } from './broadcast-rows.js';
import { BroadcastStreamsController } from './broadcast-streams.controller.js';
import { CountViewers } from './count-viewers.js';
import { emptyPlaylist, readPlaylist, writePlaylist } from './domain/playlist.js';
import { StreamFiles } from './stream-files.js';
import { StreamLinks } from './stream-links.js';
import { StudioProcess } from './studio-process.js';

const fleet = new Fleet();
const nobody: Subject = { kind: 'nobody' };
const ended: (() => void)[] = [];
let schema: TestSchema;
let folder: string;
let broadcastId: BroadcastId;
let secretsKey: unknown;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [media, broadcasts]);
  folder = await mkdtemp(join(tmpdir(), 'viewers-'));
  broadcastId = randomUUID() as BroadcastId;
  secretsKey = allSettings.shape.SECRETS_KEY.parse(randomBytes(32).toString('base64'));
  const heard = { broadcastId, callId: randomUUID() as CallId, appId: 'demo' as AppId, at: new Date().toISOString() };
  await noteBegun(schema, heard);
  await mkdir(join(folder, broadcastId));
});
afterEach(async () => {
  for (const end of ended.splice(0)) end();
  await schema.drop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A replica: it shares the database, Redis and the folder with the others, and nothing else. */
function aReplica(perSecond = 500) {
  const settings = {
    ...{ BROADCASTS_FOLDER: folder, BROADCAST_HEIGHT: 180, BROADCAST_BITRATE: 300_000, BROADCAST_REQUESTS_PER_SECOND: perSecond },
    ...{ SECRETS_KEY: secretsKey, REDIS_URL: fleet.state.servers.redis },
  } as never;
  const viewers = new CountViewers(settings, () => undefined);
  viewers.onApplicationBootstrap();
  const files = new StreamFiles(settings);
  ended.push(
    () => viewers.beforeApplicationShutdown(),
    () => files.beforeApplicationShutdown(),
  );
  const sql = { query: schema.query.bind(schema) };
  const links = new StreamLinks(settings);
  const door = new BroadcastStreamsController({ of: () => sql } as never, links, viewers, files, settings);
  const token = (links.of(broadcastId).playlistUrl.split('/') as string[]).at(-2) ?? '';
  const ask = async (file: string, viewer?: string, seen?: string) => {
    const headers: Record<string, string> = {};
    let status = 200;
    const reply = {
      header(name: string, value: string) {
        headers[name] = value;
        return this;
      },
      status(code: number) {
        status = code;
        return this;
      },
    };
    const answer = await door.give(nobody, token, file, viewer, seen, reply);
    return { answer, headers, status };
  };
  const textOf = async (file: string, viewer?: string) => text(((await ask(file, viewer)).answer as StreamableFile).getStream());
  return { viewers, ask, textOf };
}

function composing(run: string): StudioProcess {
  const options = {
    ...{ folder: join(folder, broadcastId), run, host: '127.0.0.1', ports: undefined },
    height: 180,
    framesPerSecond: 10,
    bitsPerSecond: 300_000,
  };
  const studio = new StudioProcess(options, () => undefined);
  ended.push(() => studio.end());
  return studio;
}

const viewerIn = (leading: string) => /viewer=([\w-]+)/.exec(leading)?.[1] ?? '';

test('whichever replica a viewer asks, it gets the same, and counts once; and another goes on where the first composes no more', async () => {
  const [one, other] = [aReplica(), aReplica()];
  const studio = composing('1-0');
  const [claimed] = await claimUnmade(schema, 1, 60);
  if (!claimed) throw new Error('nobody makes it');
  await eventually('something to be seen', () => studio.isLive || undefined, 20_000);
  const live = await noteState(schema, claimed, { state: 'live' }, 60);
  if (!live) throw new Error('it is not live');

  const viewers = await Promise.all([one, other, other].map(async (replica) => viewerIn(await replica.textOf('index.m3u8'))));
  expect(new Set(viewers).size).toBe(3);
  // Players ask whichever replica it is in turn, each second.
  for (const viewer of viewers) for (const replica of [one, other, one]) await replica.textOf('live.m3u8', viewer);
  await eventually('three viewers at both', async () => {
    const counts = await Promise.all([one, other].map(({ viewers: counted }) => counted.of(broadcastId)));
    return counts.join() === '3,3';
  });
  // Who composes notes what both counted, and both tell it.
  await renew(schema, claimed, 60, { viewers: await one.viewers.of(broadcastId), latencyMs: 1000 });
  await eventually('figures', async () => ((await other.ask('status')).answer as { viewers: number }).viewers === 3);

  const playlist = readPlaylist(await other.textOf('live.m3u8', viewers[0]));
  const name = playlist.segments.at(-1)?.name ?? '';
  const given = await Promise.all([one, other].map((replica) => replica.ask(name)));
  const onDisk = await readFile(join(folder, broadcastId, name));
  for (const each of given) {
    expect(each.headers).toMatchObject({ 'cache-control': 'public, max-age=60, immutable', etag: `"${name}"` });
    expect((await buffer((each.answer as StreamableFile).getStream())).equals(onDisk)).toBe(true);
  }
  expect(await other.ask(name, undefined, `"${name}"`)).toMatchObject({ answer: undefined, status: 304 });

  studio.end();
  await eventually('its end', () => studio.ended);
  const next = composing('2-0');
  await eventually('the next run', () => next.isLive || undefined, 20_000);
  for (const replica of [one, other]) {
    const after = await eventually('the same playlist going on', async () => {
      const now = readPlaylist(await replica.textOf('live.m3u8', viewers[0]));
      return now.segments.some(({ name: named, isAfterBreak }) => named.startsWith('2-0') && isAfterBreak) ? now : undefined;
    });
    expect(after.sequence + after.segments.length).toBeGreaterThan(playlist.sequence + playlist.segments.length);
  }
  await noteState(schema, live, { state: 'stopped' }, 60);
  for (const replica of [one, other])
    await eventually('its end being told', async () => (await replica.textOf('live.m3u8', viewers[0])).includes('ENDLIST'));
}, 60_000);

test('a crowd is answered so much a second, told to ask again beyond that, and reads the disk once for all', async () => {
  const replica = aReplica(50);
  await writeFile(join(folder, broadcastId, 'live.m3u8'), writePlaylist(emptyPlaylist, 1));
  const answers = await Promise.allSettled(
    Array.from({ length: 400 }, () => replica.textOf('live.m3u8', randomBytes(12).toString('base64url'))),
  );
  const refused = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(49);
  expect(answers.length - refused.length).toBeLessThanOrEqual(101);
  expect(refused[0]).toMatchObject({ code: 'service_unavailable', retryAfterSeconds: 1 });
  await eventually('being answered again', async () => (await replica.textOf('live.m3u8')).startsWith('#EXTM3U'));
}, 60_000);
