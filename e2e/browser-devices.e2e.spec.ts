/*
 * Cameras and microphones as people meet them: they are chosen in a call without a negotiation, one that does not start is told of, and
 * they are asked for after a reload.
 */
import { Browsers, eventually, Fleet, type TestApp } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { answer, connected, dial, expectMediaBothWays, hangUp, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp();
});

afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

const signIn = (userAlias: string): Promise<Page> => pageOf(browsers, fleet, app, userAlias);
const control = (page: Page, name: string) => page.getByRole('toolbar').getByRole('button', { name, exact: true });

/** Lets nobody use the camera of a page until it is allowed again. */
function denyCamera(page: Page): Promise<void> {
  return page.evaluate(() => {
    const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices);
    Object.assign(window, { allowCamera: () => Object.assign(devices, { getUserMedia: open }) });
    devices.getUserMedia = (wish) => (wish?.video ? Promise.reject(new DOMException('no', 'NotAllowedError')) : open(wish));
  });
}

/** What the page sends of a kind: the name of its camera or microphone. */
const used = (page: Page, kind: 'audio' | 'video') =>
  page.evaluate((wanted) => {
    const stream = document.querySelector<HTMLVideoElement>('.tile.own video')?.srcObject as MediaStream | null;
    return stream?.getTracks().find((track) => track.kind === wanted && track.readyState === 'live')?.label;
  }, kind);

/** Whether the browser takes noise out of what the page sends. */
const suppressesNoise = (page: Page) =>
  page.evaluate(() => {
    const stream = document.querySelector<HTMLVideoElement>('.tile.own video')?.srcObject as MediaStream | null;
    return stream
      ?.getAudioTracks()
      .find(({ readyState }) => readyState === 'live')
      ?.getSettings().noiseSuppression;
  });

/** The ids of the camera and the microphone that the page sends from. */
const idsUsed = (page: Page) =>
  page.evaluate(() => {
    const stream = document.querySelector<HTMLVideoElement>('.tile.own video')?.srcObject as MediaStream | null;
    const idOf = (track?: MediaStreamTrack) => track?.getSettings().deviceId;
    return { audio: idOf(stream?.getAudioTracks().at(-1)), video: idOf(stream?.getVideoTracks().at(-1)) };
  });

type Asked = { asked: MediaStreamConstraints[] };

/** Remembers, from its next load on, which devices a page asks for. */
const rememberAsked = (page: Page) =>
  page.addInitScript(() => {
    const here = Object.assign(window, { asked: [] }) as unknown as Asked;
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (wish) => {
      here.asked.push(wish ?? {});
      return open(wish);
    };
  });

/** Whether the page asked for exactly this one since. */
const hasAskedFor = (page: Page, kind: 'audio' | 'video', id: string | undefined) =>
  page.evaluate(
    ([kind, id]) =>
      (window as unknown as Asked).asked.some(({ [kind]: wish }) => {
        const wished = typeof wish === 'object' ? wish.deviceId : undefined;
        return typeof wished === 'object' && 'exact' in wished && wished.exact === id;
      }),
    [kind, id] as const,
  );

/** The versions of all descriptions that the page has negotiated (RFC 8866 §5.2). */
const negotiated = (page: Page) =>
  page.evaluate(() =>
    (window as unknown as { kept: RTCPeerConnection[] }).kept.map((one) => /^o=.*$/m.exec(one.localDescription?.sdp ?? '')?.[0]),
  );

test('in a call another camera and microphone are chosen, by keyboard too; the others go on seeing and hearing', async () => {
  const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
  await dial(alice, 'bob');
  await answer(bob);
  await expectMediaBothWays([alice, bob]);
  await control(alice, 'Devices').focus();
  await alice.keyboard.press('Enter');
  const sheet = alice.getByRole('region', { name: 'Microphone and camera' });
  const group = (name: string) => sheet.getByRole('group', { name, exact: true });
  const marked = (name: string) =>
    group(name)
      .getByRole('radio', { checked: true })
      .evaluate((radio) => radio.closest('label')?.textContent);
  expect(await marked('Camera')).toBe(await used(alice, 'video'));
  expect(await marked('Microphone')).toBe(await used(alice, 'audio'));

  const before = { audio: await used(alice, 'audio'), video: await used(alice, 'video') };
  const descriptions = await negotiated(alice);
  await group('Microphone').getByRole('radio', { checked: true }).focus();
  await alice.keyboard.press('ArrowDown');
  await eventually('another microphone being used', async () => ![undefined, before.audio].includes(await used(alice, 'audio')));
  expect(await marked('Microphone')).toBe(await used(alice, 'audio'));
  const last = group('Camera').getByRole('radio').last();
  await last.check();
  await eventually('another camera being used', async () => ![undefined, before.video].includes(await used(alice, 'video')));
  expect(await last.isChecked()).toBe(true);
  expect(await marked('Camera')).toBe(await used(alice, 'video'));
  const microphone = await used(alice, 'audio');
  const noise = sheet.getByRole('checkbox', { name: 'Suppress background noise' });
  expect([await noise.isChecked(), await suppressesNoise(alice)]).toEqual([true, true]);
  await noise.click();
  await eventually('the microphone being heard as it is', async () => (await suppressesNoise(alice)) === false);
  expect([await noise.isChecked(), await used(alice, 'audio')]).toEqual([false, microphone]);
  await expectMediaBothWays([alice, bob]);
  expect(await negotiated(alice), 'the same connections, and nothing negotiated').toEqual(descriptions);

  // One that does not start leaves the one before, and is told.
  await denyCamera(alice);
  await group('Camera').getByRole('radio').first().click();
  await sheet.getByRole('alert').getByText('could not be used. What was used before goes on.').waitFor();
  expect(await last.isChecked()).toBe(true);
  await alice.evaluate(() => {
    const devices = navigator.mediaDevices;
    devices.enumerateDevices = () => Promise.resolve([]);
    devices.dispatchEvent(new Event('devicechange'));
  });
  await sheet.getByText('No camera was found. One that is plugged in is listed here at once.').waitFor();
  await sheet.getByText('No microphone was found.').waitFor();
  await alice.keyboard.press('Escape');
  await sheet.waitFor({ state: 'detached' });
  expect(await alice.evaluate(() => document.activeElement?.textContent)).toBe('Devices');
  const chosen = { audio: await used(alice, 'audio'), video: await used(alice, 'video') };
  expect(chosen).not.toEqual(before);
  const ids = await idsUsed(alice);
  await hangUp(bob, [alice], 'bob');

  // So they are asked for in the next call, and on the next day: whether a browser still knows these names is its own affair.
  await rememberAsked(alice);
  await alice.reload();
  await alice.getByRole('region', { name: 'Whom to call' }).waitFor();
  await dial(alice, 'bob');
  await answer(bob);
  await connected(bob);
  for (const kind of ['audio', 'video'] as const)
    await eventually(`the chosen ${kind} being asked for`, () => hasAskedFor(alice, kind, ids[kind]));
  await hangUp(bob, [alice], 'bob');
});
