/*
 * Among three, who shares a screen is seen with it beside the camera by everybody, until it is stopped: by the page, by the browser's own
 * button, or by whoever called (`npm run check:long`). Decoded frames are counted. The first screen is the fake one of headless Chromium, the
 * next a red canvas in its place, so that it is told from cameras by what it shows.
 */
import { Browsers, eventually, Fleet } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, expect, test } from 'vitest';
import { answer, arrivedAt, connected, dial, expectMediaBothWays, hangUp, pageOf, picturesIn } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

const control = (page: Page, name: string) => page.getByRole('toolbar').getByRole('button', { name, exact: true });
const screenOn = (page: Page) => page.getByRole('region', { name: 'Shared screens' });
const connections = (page: Page) =>
  page.evaluate(() => (window as unknown as { kept: RTCPeerConnection[] }).kept.map(({ connectionState }) => connectionState));

/** They decode frames of the screen, and of cameras beside it, from now on. */
async function seeScreenAndCameras(pages: Page[]): Promise<void> {
  for (const page of pages) {
    const count = async () => ({ screen: await picturesIn(page, '.screens'), cameras: await picturesIn(page, '.tiles') });
    await screenOn(page).waitFor();
    const before = await count();
    await eventually(
      'frames of the screen and of cameras',
      async () => {
        const { screen, cameras } = await count();
        return screen.frames > before.screen.frames + 5 && cameras.frames > before.cameras.frames + 5;
      },
      20_000,
    );
  }
}

/** From now on a page has a red window to share, in place of the fake screen. */
const hasRedWindow = (page: Page) =>
  page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
    const drawn = canvas.getContext('2d');
    let count = 0;
    const draw = () => {
      if (!drawn) return;
      drawn.fillStyle = '#f00';
      drawn.fillRect(0, 0, 640, 360);
      // Something moves in it, or nothing would be sent.
      drawn.fillStyle = '#c00';
      count += 10;
      drawn.fillRect(count % 640, 300, 40, 40);
    };
    draw();
    setInterval(draw, 100);
    navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(10);
  });

/** @returns whether the pictures in a part of the page are red, each at its middle. */
const areRed = (page: Page, part: string) =>
  page.evaluate((selector) => {
    const drawn = Object.assign(document.createElement('canvas'), { width: 9, height: 9 }).getContext('2d', { willReadFrequently: true });
    return [...document.querySelectorAll<HTMLVideoElement>(`${selector} video:not(.no-picture)`)].map((video) => {
      drawn?.drawImage(video, 0, 0, 9, 9);
      const [red = 0, green = 0, blue = 0] = drawn?.getImageData(4, 4, 1, 1).data ?? [];
      return red > 180 && green < 80 && blue < 80;
    });
  }, part);

/** Nothing of a screen is shown, or received: cameras are decoded, and nothing else is. */
async function seeNoScreen(pages: Page[]): Promise<void> {
  for (const page of pages) {
    await screenOn(page).waitFor({ state: 'detached' });
    const before = await picturesIn(page, '.tiles');
    const after = await eventually('more frames of cameras', async () => {
      const now = await picturesIn(page, '.tiles');
      return now.frames > before.frames + 5 && now;
    });
    // The last of them were on their way.
    expect(after.framesElsewhere - before.framesElsewhere).toBeLessThan(3);
  }
}

/** @returns three people's pages, who hear and see each other. */
async function threeInCall(): Promise<[Page, Page, Page]> {
  const app = await fleet.makeApp({ options: { maxParticipants: 3 } });
  const [alice, bob, carol] = await Promise.all([
    pageOf(browsers, fleet, app, 'alice'),
    pageOf(browsers, fleet, app, 'bob', { width: 390, height: 800 }),
    pageOf(browsers, fleet, app, 'carol'),
  ]);
  await dial(alice, 'bob');
  await answer(bob);
  await Promise.all([alice, bob].map(connected));
  await control(alice, 'People').click();
  await alice.getByRole('textbox', { name: 'Add a person' }).fill('carol');
  await alice.getByRole('button', { name: 'Add carol' }).click();
  await answer(carol);
  await expectMediaBothWays([alice, bob, carol]);
  return [alice, bob, carol];
}

/** Notes what a page shares, so that it can be stopped as the browser does. */
const noteShared = (page: Page) =>
  page.evaluate(() => {
    const devices = navigator.mediaDevices;
    const choose = devices.getDisplayMedia.bind(devices);
    devices.getDisplayMedia = async (wish) => {
      const shared = await choose(wish);
      Object.assign(window, { shared });
      return shared;
    };
  });

/** As by the browser's own button: the track ends. */
const stopAsBrowsersDo = (page: Page) =>
  page.evaluate(() => {
    const [track] = (window as unknown as { shared: MediaStream }).shared.getVideoTracks();
    track?.stop();
    track?.dispatchEvent(new Event('ended'));
  });

/** Minutes of three pages: npm run check:long asks for them. */
test.runIf(process.env.EVERY_SCREEN)(
  'a screen is decoded by two others beside the camera; another takes its place, and whoever called stops it',
  async () => {
    const [alice, bob, carol] = await threeInCall();
    // On the width of a telephone the button is there as well, and what is shared is noted, to be stopped as the browser does.
    await noteShared(bob);
    await control(bob, 'Share your screen').click();
    await control(bob, 'Stop sharing your screen').waitFor();
    await bob.getByText('The others see your screen.').waitFor();
    await Promise.all([alice, carol].map((page) => screenOn(page).getByText('The screen of bob').waitFor()));
    await seeScreenAndCameras([alice, carol]);
    for (const page of [alice, bob, carol]) expect(await connections(page)).toEqual(['connected', 'connected']);
    // The screen fills the stage, and the tiles of the people stay.
    const [stage, screen] = await Promise.all([carol.locator('.scene').boundingBox(), screenOn(carol).boundingBox()]);
    expect(stage && screen && screen.height > stage.height / 2 && screen.width > stage.width * 0.95).toBe(true);
    expect(await carol.locator('.tiles video:not(.no-picture)').count()).toBe(2);

    await stopAsBrowsersDo(bob);
    await control(bob, 'Share your screen').waitFor();
    await seeNoScreen([alice, carol]);

    // Something else, without a negotiation of the sender; and whoever called stops it.
    await hasRedWindow(bob);
    await control(bob, 'Share your screen').click();
    await seeScreenAndCameras([alice, carol]);
    for (const page of [alice, carol]) {
      await eventually('a red window', async () => (await areRed(page, '.screens'))[0] === true);
      expect(await areRed(page, '.tiles'), 'cameras are what they were').toEqual([false, false]);
    }
    await alice.getByRole('button', { name: 'Stop pictures of bob' }).click();
    await seeNoScreen([alice, carol]);
    expect(await control(bob, 'Share your screen').count(), 'no button for what is forbidden').toBe(0);
    await alice.getByRole('button', { name: 'Let be seen: bob' }).click();
    await control(bob, 'Share your screen').waitFor();
    await hangUp(alice, [], 'alice');
  },
  150_000,
);

test.skipIf(!process.env.EVERY_SCREEN)(
  'who comes later gets the screen too, and nobody gets pictures that are out of view',
  async () => {
    const [alice, bob, carol] = await threeInCall();
    await control(bob, 'Share your screen').click();
    await seeScreenAndCameras([alice]);
    // Whoever comes later gets it, too: the page counts anew.
    await carol.reload();
    await screenOn(carol).waitFor();
    const shown = () => carol.evaluate(() => document.querySelector<HTMLVideoElement>('.screens video')?.currentTime ?? 0);
    const first = await eventually('a picture of the screen', shown);
    await eventually('the picture going on', async () => (await shown()) > first + 0.5);
    // Pictures come while they are looked at, of cameras and of the screen, and sound always, over the connection that is there.
    const arrived = async () => {
      const { framesDecoded, audioPackets } = await arrivedAt(alice);
      return { frames: framesDecoded, packets: audioPackets };
    };
    await alice.getByRole('navigation').getByRole('button', { name: 'Devices' }).click();
    await eventually('sound without pictures', async () => {
      const before = await arrived();
      await eventually('a second of sound', async () => (await arrived()).packets > before.packets + 40);
      return (await arrived()).frames === before.frames;
    });
    await alice.getByRole('button', { name: 'Return' }).click();
    await seeScreenAndCameras([alice]);
    expect(await connections(alice)).toEqual(['connected', 'connected']);
    await control(bob, 'Stop sharing your screen').click();
    await seeNoScreen([alice]);
    await hangUp(alice, [], 'alice');
  },
  150_000,
);
