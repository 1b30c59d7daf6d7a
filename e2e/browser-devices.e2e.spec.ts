/*
 * Cameras, microphones, tabs and devices as people meet them: what does not work is said and can be tried again, the others see who is
 * muted or has no camera, a reload comes back with sound and picture, and a call is taken over from another device.
 */
import { Browsers, eventually, Fleet, type TestApp } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { answer, connected, dial, expectMediaBothWays, hangUp, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
let app: TestApp;

beforeAll(async () => {
  app = await fleet.makeApp();
});

afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

const signIn = (userAlias: string): Promise<Page> => pageOf(browsers, fleet, app, userAlias);
const control = (page: Page, name: string) => page.getByRole('toolbar').getByRole('button', { name, exact: true });
const pictures = (page: Page) => page.locator('.tiles video:not(.no-picture)').count();

/** Lets nobody use the camera of a page until it is allowed again. */
function denyCamera(page: Page): Promise<void> {
  return page.evaluate(() => {
    const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices);
    Object.assign(window, { allowCamera: () => Object.assign(devices, { getUserMedia: open }) });
    devices.getUserMedia = (wish) => (wish?.video ? Promise.reject(new DOMException('no', 'NotAllowedError')) : open(wish));
  });
}

test('a camera that may not be used is said in own words and tried again; the others see who has none, and who is muted', async () => {
  const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
  await denyCamera(alice);
  await dial(alice, 'bob');
  await answer(bob);
  await Promise.all([alice, bob].map(connected));
  const trouble = alice.getByText('The others do not see you: this page may not use the camera.');
  await trouble.waitFor();
  await bob.getByText('has no camera').waitFor();
  expect(await pictures(bob)).toBe(0);
  await eventually('a picture of bob', async () => (await pictures(alice)) === 1, 20_000);
  await alice.evaluate(() => (window as unknown as { allowCamera: () => void }).allowCamera());
  await alice.getByRole('button', { name: 'Try the camera again' }).click();
  await trouble.waitFor({ state: 'detached' });
  await eventually('a picture of alice', async () => (await pictures(bob)) === 1, 20_000);

  await control(bob, 'Microphone').click();
  await alice.getByText('muted:').first().waitFor();
  await control(bob, 'Camera').click();
  await eventually('an avatar in place of the picture', async () => (await pictures(alice)) === 0);
  // What is switched counts for the next call as well.
  await hangUp(bob, [alice], 'bob');
  await dial(alice, 'bob');
  await answer(bob);
  await connected(bob);
  expect(await control(bob, 'Microphone').getAttribute('aria-pressed')).toBe('false');
  await alice.getByText('muted:').first().waitFor();
  await hangUp(bob, [alice], 'bob');
});

test('a reload comes back into the call with sound and picture, and as switched; another device takes the call over', async () => {
  const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
  await dial(alice, 'bob');
  await answer(bob);
  await expectMediaBothWays([alice, bob]);
  await control(alice, 'Camera').click();
  await eventually('an avatar in place of the picture', async () => (await pictures(bob)) === 0);
  await alice.reload();
  await connected(alice);
  await eventually('a picture of bob', async () => (await pictures(alice)) === 1, 20_000);
  expect(await control(alice, 'Camera').getAttribute('aria-pressed')).toBe('false');
  await control(alice, 'Camera').click();
  await expectMediaBothWays([bob]);

  const desk = await signIn('alice');
  await desk.getByRole('region', { name: 'Call on another device' }).getByRole('button', { name: 'Take it over here' }).click();
  await connected(desk);
  await alice.getByText('You answered on another device').waitFor();
  await expectMediaBothWays([desk, bob]);
  await hangUp(bob, [desk], 'bob');
});

test('calling is shown at once and can be taken back though the network is slow; calling oneself is no call', async () => {
  const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
  await alice.getByRole('textbox', { name: 'Find somebody' }).fill('alice');
  await alice.keyboard.press('Enter');
  await alice.getByText('That is you: nobody can call oneself').waitFor();
  await dial(alice, 'no-such-person');
  await alice.getByRole('alert').getByText('Nobody here is called no-such-person').waitFor();
  await alice.getByRole('textbox', { name: 'Find somebody' }).fill('bob');
  await alice.getByRole('button', { name: 'Call bob', exact: true }).click();
  await alice.getByRole('button', { name: 'Cancel' }).click();
  await alice.getByText('You cancelled the call', { exact: true }).waitFor();
  await bob.getByRole('dialog').waitFor({ state: 'detached' });
  expect((await alice.getByRole('alert').allInnerTexts()).join('')).toBe('');
});
