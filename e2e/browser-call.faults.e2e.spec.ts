/*
 * What carries sound and picture breaks or dies in the middle of a call: the call goes on, and nobody has to do anything. A socket that is
 * lost, a media service that is killed (-9) or drained, and a call that moves to another media node cost next to no picture; a Janus that is
 * killed costs less than five seconds on either side. The times are those between two decoded pictures, so they have the fault in them.
 */
import { Browsers, eventually, FlakyLine, Fleet, janusOf, type ProcessName } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, expect, test } from 'vitest';
import { iceFragments, livePeers, longestGap, markFrames, watchFrames } from './frame-gaps.js';
import { answer, connected, dial, expectMediaBothWays, hangUp, pageOf } from './phone-page.js';
import { startedAnew } from './started-anew.js';

const fleet = new Fleet();
const browsers = new Browsers();
/** npm run check:long loses sockets for as long as is promised, and drains what carries a call as well. */
const isLong = process.env.EVERY_MEDIA_FAULT !== undefined;
const socketLostMs = isLong ? 20_000 : 2000;

afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

/** Has a page reach the media service over a line that can be severed. */
async function detour(page: Page): Promise<FlakyLine[]> {
  const doors = fleet.replicasOf('media').map((one) => `ws://127.0.0.1:${fleet.state.ports[one]}`);
  const lines = await Promise.all(doors.map((door) => FlakyLine.open([door.replace('ws', 'http')])));
  const detours = Object.fromEntries(doors.map((door, index) => [door, lines[index]?.url.replace('http', 'ws') ?? '']));
  await page.evaluate((told) => Object.assign((window as unknown as { detours: object }).detours, told), detours);
  return lines;
}

const gapsOf = (pages: Page[]) => Promise.all(pages.map(longestGap));

/** Two people in a call with sound and picture, and lines that lead them to the media service. */
async function callOfTwo() {
  const app = await fleet.makeApp({ options: { mediaSetupSeconds: 6 } });
  const pages = await Promise.all(['alice', 'bob'].map((name) => pageOf(browsers, fleet, app, name, { isFree: true })));
  const [alice, bob] = pages as [Page, Page];
  const lines = (await Promise.all(pages.map(detour))).flat();
  await dial(alice, 'bob');
  await answer(bob);
  await expectMediaBothWays(pages);
  await Promise.all(pages.map(watchFrames));
  const [call] = await fleet.query<{ call_id: string }>('media', 'SELECT call_id FROM rooms WHERE app_id = $1', [app.appId]);
  const place = async () =>
    (
      await fleet.query<{ node: string; generation: number }>('media', 'SELECT node, generation FROM rooms WHERE call_id = $1', [
        call?.call_id,
      ])
    )[0];
  return { pages, alice, bob, lines, appId: app.appId, callId: call?.call_id ?? '', place };
}

/** Waits until what a page received over is not what it was, and old connections are gone. */
async function onOthersThan(pages: Page[], before: number[][]): Promise<void> {
  const isOther = async (page: Page, index: number) => {
    const now = await livePeers(page);
    return now.length === 2 && now.every((peer) => !before[index]?.includes(peer));
  };
  await eventually('all being on other connections', async () => (await Promise.all(pages.map(isOther))).every(Boolean), 30_000);
}

test('whatever carries a call breaks, is killed (-9) or moved, and pictures come on both sides', async () => {
  const { pages, alice, bob, lines, callId, appId, place } = await callOfTwo();
  const told: Record<string, number[]> = {};
  const nothingLost = async (what: string, mostMs: number) => {
    told[what] = await gapsOf(pages);
    expect(Math.max(...told[what]), `${what}: ${told[what].join(' and ')} ms`).toBeLessThan(mostMs);
  };

  const sessions = async () =>
    (await fleet.query<{ session_id: string }>('media', "SELECT session_id FROM sessions WHERE about->>'callId' = $1", [callId])).map(
      ({ session_id }) => session_id,
    );
  const first = await Promise.all(pages.map(livePeers));
  await Promise.all(pages.map(markFrames));
  const ways = (await Promise.all(pages.map(iceFragments))).flat();
  for (const page of pages) await page.evaluate(() => window.dispatchEvent(new Event('online')));
  const areNew = async () => {
    const now = (await Promise.all(pages.map(iceFragments))).flat();
    return now.length === ways.length && now.every((one) => !ways.includes(one));
  };
  await eventually('ICE having begun anew at both ends of all connections', areNew);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await nothingLost('another network', 1000);
  expect(await Promise.all(pages.map(livePeers))).toEqual(first);

  await Promise.all(pages.map(markFrames));
  const served = await sessions();
  for (const line of lines) line.sever();
  await new Promise((resolve) => setTimeout(resolve, socketLostMs));
  await connected(alice);
  for (const line of lines) line.heal();
  const areOthers = async () => {
    const now = await sessions();
    return now.length === 2 && now.every((one) => !served.includes(one));
  };
  await eventually('both being served again', areOthers, 15_000);
  await nothingLost('without media sockets', 1000);
  expect(await Promise.all(pages.map(livePeers)), 'the connections are the same').toEqual(first);

  await Promise.all(pages.map(markFrames));
  await fleet.killAndAwait('media');
  await onOthersThan(pages, first);
  await nothingLost('the media service killed', 2000);

  if (isLong) {
    for (const replica of fleet.replicasOf('media')) {
      await Promise.all(pages.map(markFrames));
      await fleet.control(replica, 'drain');
      await new Promise((resolve) => setTimeout(resolve, 8000));
      await fleet.ready('media');
      await nothingLost(`${replica} drained`, 2000);
    }
  }

  const second = await Promise.all(pages.map(livePeers));
  const carrying = await janusOf(fleet, appId);
  await Promise.all(pages.map(markFrames));
  await fleet.control(carrying, 'kill');
  await onOthersThan(pages, second);
  await nothingLost('Janus killed', 5000);
  expect(await place()).toMatchObject({ node: carrying === 'janus' ? 'janus-2' : 'janus-1', generation: 2 });

  const third = await Promise.all(pages.map(livePeers));
  await Promise.all(pages.map(markFrames));
  await fleet.query('media', 'UPDATE rooms SET node = $2, generation = 3, moved_at = clock_timestamp() WHERE call_id = $1', [
    callId,
    carrying === 'janus' ? 'janus-1' : 'janus-2',
  ]);
  await onOthersThan(pages, third);
  await nothingLost('the call moved', 1000);
  await expectMediaBothWays(pages);
  await connected(alice);
  await hangUp(bob, [alice], 'bob');
  await Promise.all(lines.map((line) => line.close()));
  if (isLong) console.log(`longest time without a picture, in ms: ${JSON.stringify(told)}`);
}, 180_000);

test.skipIf(!isLong)(
  'a media node that is drained by its setting loses its calls to the other one, a Janus that is alone comes back, and a minute without gateways goes by',
  async () => {
    const { pages, alice, bob, lines, appId, place } = await callOfTwo();
    const told: Record<string, number[]> = {};
    const note = async (what: string, mostMs: number) => {
      told[what] = await gapsOf(pages);
      expect(Math.max(...told[what]), `${what}: ${told[what].join(' and ')} ms`).toBeLessThan(mostMs);
    };
    const [first, second] = fleet.replicasOf('media') as [ProcessName, ProcessName];
    const drained = await janusOf(fleet, appId);
    const names = { janus: 'janus-1', 'janus-2': 'janus-2' };
    const before = await Promise.all(pages.map(livePeers));

    // As it is upgraded: one replica after the other goes, and comes with the setting.
    await Promise.all(pages.map(markFrames));
    const substitutes = [await startedAnew(fleet, second, { DRAINED_NODES: names[drained] })];
    substitutes.push(await startedAnew(fleet, first, { DRAINED_NODES: names[drained] }));
    await onOthersThan(pages, before);
    await eventually('the call being on the other node', async () => (await place())?.node !== names[drained], 20_000);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await note('its node drained', 2000);
    for (const end of substitutes) await end();
    await Promise.all([first, second].map((replica) => fleet.control(replica, 'start')));
    await fleet.ready('media');
    await expectMediaBothWays(pages);

    // One Janus, and no other to go to.
    await fleet.control(drained, 'stop');
    const alone = await janusOf(fleet, appId);
    const during = await Promise.all(pages.map(livePeers));
    await Promise.all(pages.map(markFrames));
    await fleet.control(alone, 'kill');
    await onOthersThan(pages, during);
    await note('the only Janus killed', 5000);
    await fleet.control(drained, 'start');

    await Promise.all(pages.map(markFrames));
    const gateways = fleet.replicasOf('gateway');
    await Promise.all(gateways.map((gateway) => fleet.control(gateway, 'stop')));
    await new Promise((resolve) => setTimeout(resolve, 60_000));
    await note('a minute without gateways', 1000);
    await Promise.all(gateways.map((gateway) => fleet.control(gateway, 'start')));
    await fleet.ready('gateway');
    await Promise.all(pages.map(connected));
    await expectMediaBothWays(pages);
    await hangUp(bob, [alice], 'bob');
    await Promise.all(lines.map((line) => line.close()));
    console.log(`longest time without a picture, in ms: ${JSON.stringify(told)}`);
  },
  300_000,
);
