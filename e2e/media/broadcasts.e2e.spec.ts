/*
 * A call that is broadcast: everyone in it sees so, whoever has the link watches it in a page, moving and heard, and is told how late it is; it is pushed
 * to a server elsewhere, and what that does is no matter to who watches; and it ends with its call, which is told once.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BroadcastView } from '@communication-center/contracts/broadcasts';
import { Browsers, eventually, Fleet, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { SdkPage } from '../sdk-in-browser/sdk-page.js';
import { probe } from './look-into.js';
import { figuresIn, playedBy, watch } from './watching-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
const running: ChildProcess[] = [];
let app: TestApp;
let folder: string;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { usersMayBroadcast: true, eventLog: true } });
  await fleet.makeUser(app, 'bob');
  folder = await mkdtemp(join(tmpdir(), 'broadcast-'));
});
afterEach(async () => {
  for (const one of running.splice(0)) one.kill('SIGKILL');
  await browsers.closeAll();
  await rm(folder, { recursive: true });
});
afterAll(() => browsers.quit());

const asServer = <T>(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: object) => fleet.rest<T>(method, path, app.key, body);
const broadcastsOf = async (callId: string) =>
  (await asServer<{ broadcasts?: BroadcastView[] }>('GET', `/v1/calls/${callId}/broadcasts`)).body.broadcasts?.[0];
const readBroadcast = async (id: string) => (await asServer<BroadcastView>('GET', `/v1/broadcasts/${id}`)).body;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A server of RTMP that takes one stream, into a file. */
function takeRtmp(port: number, file: string): void {
  const address = `rtmp://127.0.0.1:${port}/live/key-of-tests`;
  running.push(
    spawn(
      'ffmpeg',
      [
        '-loglevel',
        'error',
        '-y',
        '-nostdin',
        '-analyzeduration',
        '1M',
        '-listen',
        '1',
        '-i',
        address,
        '-c',
        'copy',
        '-flush_packets',
        '1',
        '-f',
        'mpegts',
        file,
      ],
      { stdio: 'ignore' },
    ),
  );
}

test('whoever has the link sees it move and hears it, some seconds late; it goes elsewhere too; and it ends with its call', async () => {
  const alice = await SdkPage.open(browsers, fleet, app, 'alice');
  const bob = await SdkPage.open(browsers, fleet, app, 'bob');
  await alice.hearTone(true);
  await alice.dial('bob');
  await alice.takeUp('bob');
  await bob.takeUp('alice');
  await bob.answer();
  const callId = await alice.callId;
  await eventually('sound and picture', async () => (await bob.seen()).frames > 3 && (await bob.seen()).packets > 3, 25_000);

  await alice.actOnBroadcast('startBroadcast');
  await eventually('bob seeing it', async () => (await bob.broadcast())?.by === 'alice');
  const began = Date.now();
  const live = await eventually(
    'it being live',
    async () => {
      const one = await broadcastsOf(callId);
      return one?.state === 'live' ? one : undefined;
    },
    15_000,
  );
  const liveMs = Date.now() - began;
  const { broadcastId } = live;

  const page = await watch(browsers, live.watchUrl);
  const first = await eventually(
    'a picture and sound',
    async () => {
      const played = await playedBy(page);
      return played.frames > 5 && played.loudness > 0 ? played : undefined;
    },
    20_000,
  );
  const seen: Awaited<ReturnType<typeof playedBy>>[] = [];
  await eventually(
    'more of both',
    async () => {
      const played = await playedBy(page);
      seen.push(played);
      return played.frames > first.frames + 20 && played.time > first.time + 1 && seen.some(({ isChanging }) => isChanging);
    },
    20_000,
  ).catch((error: Error) => {
    throw new Error(`${error.message}: ${JSON.stringify([first, ...seen.slice(-3)])}`);
  });
  const figures = await eventually('figures of the one who watches', async () => {
    const shown = figuresIn(await page.locator('#figures').textContent());
    return shown?.viewers === 1 ? shown : undefined;
  });
  expect(figures.behind).toBeGreaterThan(0.3);
  const told = await readBroadcast(broadcastId);
  console.log(`live after ${liveMs} ms; ${figures.behind} s behind in the page, ${told.latencyMs} ms at the service`);
  expect(told).toMatchObject({ viewers: 1, mostViewers: 1, push: null });

  const port = await freePort();
  const file = join(folder, 'pushed.ts');
  const push = { url: `rtmp://127.0.0.1:${port}/live`, streamKey: 'key-of-tests' };
  // Nobody listens there yet: it fails, says so, and may be tried again.
  expect((await asServer('PUT', `/v1/broadcasts/${broadcastId}/push`, push)).status).toBe(200);
  const failed = await eventually(
    'it failing',
    async () => {
      const { push: one } = await readBroadcast(broadcastId);
      return one?.state === 'failed' ? one : undefined;
    },
    15_000,
  );
  expect(failed).toMatchObject({ fault: 'unreachable', server: `rtmp://127.0.0.1:${port}` });
  takeRtmp(port, file);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await asServer('PUT', `/v1/broadcasts/${broadcastId}/push`, push);
  const taken = async () => {
    const state = (await readBroadcast(broadcastId)).push?.state;
    // The server was not there yet.
    if (state === 'failed') await asServer('PUT', `/v1/broadcasts/${broadcastId}/push`, push);
    return state === 'live';
  };
  await eventually('it being taken', taken, 40_000);
  const pushed = await eventually(
    'two seconds of it',
    async () => {
      const one = await probe(file).catch(() => undefined);
      return one && one.seconds > 2 ? one : undefined;
    },
    20_000,
  );
  expect(pushed.streams.map(({ codec }) => codec).toSorted()).toEqual(['aac', 'h264']);

  await alice.hangUp();
  await eventually('the page saying so', async () => (await page.locator('#state').textContent())?.includes('over'), 10_000);
  const ended = await readBroadcast(broadcastId);
  expect(ended).toMatchObject({ state: 'stopped', fault: null, viewers: 0, latencyMs: null });
  const types = await eventually(
    'all being told',
    async () => {
      const { events } = (await asServer<{ events: { type: string; data: object }[] }>('GET', '/v1/events?limit=100')).body;
      expect(JSON.stringify(events)).not.toContain(push.streamKey);
      const some = events.map(({ type }) => type).filter((type) => type.includes('broadcast'));
      return some.includes('broadcast.stopped') ? some : undefined;
    },
    15_000,
  );
  expect(types.filter((type) => type.startsWith('broadcast.'))).toEqual(
    ['starting', 'live', 'push_failed', 'push_live', 'stopped'].map((what) => `broadcast.${what}`),
  );
  expect(types.filter((type) => type.startsWith('call.'))).toEqual(['call.broadcast_started', 'call.broadcast_stopped']);
  expect((await asServer('PUT', `/v1/broadcasts/${broadcastId}/push`, push)).status).toBe(409);
});
