/*
 * Who shares a screen is seen with it beside the camera, by everybody, until it is stopped: by the page, by the browser's own button, or by
 * whoever called. Decoded frames are counted. The screen is the fake one of headless Chromium, 800 pixels wide; cameras have 640.
 */
import { Browsers, eventually, Fleet } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { answer, connected, dial, expectMediaBothWays, framesOfWidth, hangUp, pageOf, picturesAt } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
afterAll(() => browsers.quit());

const ofScreen = (width: number) => width === 800;
const ofCamera = (width: number) => width > 0 && width !== 800;
const control = (page: Page, name: string) => page.getByRole('toolbar').getByRole('button', { name, exact: true });
const screenOn = (page: Page) => page.getByRole('region', { name: 'Shared screens' });
const connections = (page: Page) =>
  page.evaluate(() => (window as unknown as { kept: RTCPeerConnection[] }).kept.map(({ connectionState }) => connectionState));

/** Everybody decodes frames of the screen, and of cameras beside it. */
async function seeScreenAndCameras(pages: Page[]): Promise<void> {
  for (const page of pages) await eventually('frames of the screen', () => framesOfWidth(page, ofScreen), 20_000);
  const seen = await Promise.all(pages.map((page) => Promise.all([framesOfWidth(page, ofScreen), framesOfWidth(page, ofCamera)])));
  for (const [screen, camera] of seen) expect(Math.min(screen, camera), JSON.stringify(seen)).toBeGreaterThan(2);
}

async function seeNoScreen(pages: Page[]): Promise<void> {
  for (const page of pages) await screenOn(page).waitFor({ state: 'detached' });
  for (const page of pages) expect(await framesOfWidth(page, ofScreen)).toBe(0);
}

test('a screen is decoded by two others beside the camera, over the same connection, and is gone when it is stopped', async () => {
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

  // On the width of a telephone the button is there as well, and what is shared is noted, to be stopped as the browser does.
  await bob.evaluate(() => {
    const devices = navigator.mediaDevices;
    const choose = devices.getDisplayMedia.bind(devices);
    devices.getDisplayMedia = async (wish) => {
      const shared = await choose(wish);
      Object.assign(window, { shared });
      return shared;
    };
  });
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

  // By the browser's own button: the track ends.
  await bob.evaluate(() => {
    const [track] = (window as unknown as { shared: MediaStream }).shared.getVideoTracks();
    track?.stop();
    track?.dispatchEvent(new Event('ended'));
  });
  await control(bob, 'Share your screen').waitFor();
  await seeNoScreen([alice, carol]);

  // Once more, without a negotiation of the sender; and whoever called stops it.
  await control(bob, 'Share your screen').click();
  await seeScreenAndCameras([alice, carol]);
  await alice.getByRole('button', { name: 'Stop the pictures of bob' }).click();
  await seeNoScreen([alice, carol]);
  expect(await control(bob, 'Share your screen').count(), 'no button for what is forbidden').toBe(0);
  await alice.getByRole('button', { name: 'Let bob be seen' }).click();
  await control(bob, 'Share your screen').click();
  await eventually('frames of the screen', () => framesOfWidth(alice, ofScreen), 20_000);
  // Whoever comes later gets it, too.
  await carol.reload();
  await screenOn(carol).waitFor();
  await eventually(
    'frames',
    async () =>
      carol.evaluate(() =>
        [...document.querySelectorAll<HTMLVideoElement>('.screens video')].some(
          ({ videoWidth, currentTime }) => videoWidth === 800 && currentTime > 1,
        ),
      ),
    20_000,
  );
  expect((await picturesAt(alice)).some(({ width }) => ofScreen(width))).toBe(true);
  await control(bob, 'Stop sharing your screen').click();
  await seeNoScreen([alice]);
  await hangUp(alice, [], 'alice');
}, 150_000);
