/*
 * A broadcast whose media service, or encoder, is killed goes on: for whoever watches after some seconds, in the same page, by the same link; and it is
 * still one broadcast.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { BroadcastView } from '@communication-center/contracts/broadcasts';
import { Browsers, eventually, Fleet, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { SdkPage } from '../sdk-in-browser/sdk-page.js';
import { playedBy, watch } from './watching-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
const run = promisify(execFile);
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { usersMayBroadcast: true } });
  await fleet.makeUser(app, 'bob');
});
afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

/** A minute in which processes are killed: for npm run check:long. */
const isWhole = process.env.EVERY_BROADCAST === 'true';

test.runIf(isWhole)(
  'who watches goes on watching when the encoder, and the media service, are killed',
  async () => {
    const alice = await SdkPage.open(browsers, fleet, app, 'alice');
    const bob = await SdkPage.open(browsers, fleet, app, 'bob');
    await alice.dial('bob');
    await alice.takeUp('bob');
    await bob.takeUp('alice');
    await bob.answer();
    const callId = await alice.callId;
    await eventually('sound and picture', async () => (await bob.seen()).frames > 3 && (await bob.seen()).packets > 3, 25_000);
    await alice.actOnBroadcast('startBroadcast');
    const read = async () =>
      (await fleet.rest<{ broadcasts?: BroadcastView[] }>('GET', `/v1/calls/${callId}/broadcasts`, app.key)).body.broadcasts;
    const [live] = await eventually(
      'it being live',
      async () => {
        const all = await read();
        return all?.[0]?.state === 'live' ? all : undefined;
      },
      20_000,
    );
    if (!live) throw new Error('no broadcast');
    const page = await watch(browsers, live.watchUrl);
    const goesOn = async (what: string) => {
      const before = await playedBy(page);
      const since = Date.now();
      let moved = 0;
      await eventually(
        what,
        async () => {
          const played = await playedBy(page);
          if (played.isChanging) moved += 1;
          // What was held is played on for some seconds, whatever was killed.
          return Date.now() - since > 6000 && played.time > before.time + 4 && moved > 5;
        },
        40_000,
      );
    };
    await goesOn('it being watched');

    const { stdout } = await run('pgrep', ['-f', `rawvideo.*${live.broadcastId}`]);
    const [encoder] = stdout.trim().split('\n').map(Number);
    if (!encoder) throw new Error('no encoder');
    process.kill(encoder, 'SIGKILL');
    await goesOn('it going on with another encoder');

    await fleet.killAndAwait('media');
    await goesOn('it going on with another media service');
    expect((await read())?.map(({ broadcastId, state, fault }) => ({ broadcastId, state, fault }))).toEqual([
      { broadcastId: live.broadcastId, state: 'live', fault: null },
    ]);
    const playlist = await (await fetch(live.playlistUrl.replace('index.m3u8', 'live.m3u8'))).text();
    expect(
      Number(/DISCONTINUITY-SEQUENCE:(\d+)/.exec(playlist)?.[1]) + playlist.split('#EXT-X-DISCONTINUITY\n').length - 1,
    ).toBeGreaterThanOrEqual(2);
    await alice.hangUp();
    await eventually('its end', async () => (await read())?.[0]?.state === 'stopped', 15_000);
  },
  150_000,
);
