/*
 * What a moderator forbade does not arrive, whatever the device does against it: its sound is counted in packets at the other end, with
 * real ones. It holds over a page that is loaded anew, a media service that is killed and a Janus that is killed, since it is in the
 * call's events and in nobody's memory.
 */
import { Browsers, eventually, Fleet, janusOf, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { SdkPage } from './sdk-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
  await fleet.makeUser(app, 'bob');
});
afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

/** Alice, who called, and bob, who hear and see each other. */
async function inCall(): Promise<[SdkPage, SdkPage]> {
  const alice = await SdkPage.open(browsers, fleet, app, 'alice');
  const bob = await SdkPage.open(browsers, fleet, app, 'bob');
  await alice.dial('bob');
  await alice.takeUp('bob');
  await bob.takeUp('alice');
  await bob.answer();
  await eventually('sound and picture', async () => (await alice.seen()).packets > 0 && (await alice.seen()).frames > 0, 20_000);
  return [alice, bob];
}

/** @returns what arrives at a page in a second and a half: packets of sound, and frames of picture. */
async function arriving(page: SdkPage): Promise<{ packets: number; frames: number }> {
  const before = await page.seen();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const after = await page.seen();
  return { packets: after.packets - before.packets, frames: after.frames - before.frames };
}

/** Has bob's page send sound past the SDK, and sees that alice gets none of it, but the picture. */
async function expectPictureAlone([alice, bob]: [SdkPage, SdkPage], when: string): Promise<void> {
  await eventually(`a picture ${when}`, async () => (await arriving(alice)).frames > 2, 40_000);
  const heard = await eventually(`sound being sent ${when}`, async () => {
    await bob.sendAll();
    const before = await bob.seen();
    const { packets, frames } = await arriving(alice);
    const isSent = (await bob.seen()).sentPackets - before.sentPackets > 20;
    // Fewer than before: another connection took the place of the one that was counted.
    return isSent && frames > 2 && packets >= 0 && { packets };
  });
  expect(heard, when).toEqual({ packets: 0 });
}

test('whose sound is forbidden is not heard, though the device sends it, until it is allowed; through a reload and the deaths of media and Janus', async () => {
  const [alice, bob] = await inCall();
  const { packets } = await arriving(alice);
  expect(packets).toBeGreaterThan(20);
  await alice.muteParticipant('bob', { audio: true });
  await eventually('the sound being off at its device', async () => (await bob.seen()).state.audio === 'off');
  expect(await bob.refusalOfSending('audio')).toEqual({ code: 'media_forbidden', by: 'alice' });
  // A page that does as it likes: it sends all that it has, and more than it is asked for.
  expect(await bob.sendAll()).toBeGreaterThan(0);
  await eventually('the sound being gone', async () => (await arriving(alice)).packets === 0, 15_000);
  await expectPictureAlone([alice, bob], 'while the device sends sound');

  await bob.reload();
  await bob.connect();
  await bob.takeUp('alice');
  await expectPictureAlone([alice, bob], 'after the page was loaded anew');

  await fleet.killAndAwait('media');
  await eventually('bob being back', async () => (await bob.seen()).link === 'connected', 30_000);
  await expectPictureAlone([alice, bob], 'after the media service was killed');

  await fleet.control(await janusOf(fleet, app.appId), 'kill');
  await eventually('bob being back', async () => (await bob.seen()).link === 'connected', 30_000);
  await expectPictureAlone([alice, bob], 'after Janus was killed');

  await alice.allowParticipant('bob', { audio: true });
  await eventually('bob hearing of it', async () => (await bob.refusalOfSending('audio')) === undefined);
  await eventually('sound', async () => (await arriving(alice)).packets > 20, 15_000);
}, 240_000);

test('whose picture is forbidden is heard and not seen, and is seen again when it is allowed', async () => {
  const [alice, bob] = await inCall();
  await alice.muteParticipant('bob', { video: true });
  await eventually('the picture being off', async () => (await bob.seen()).state.video === 'off');
  await bob.sendAll();
  await eventually('the picture being gone', async () => (await arriving(alice)).frames === 0, 15_000);
  expect((await arriving(alice)).packets).toBeGreaterThan(20);
  await alice.allowParticipant('bob', { video: true });
  await eventually('bob hearing of it', async () => (await bob.refusalOfSending('video')) === undefined);
  await bob.sendAll();
  const { frames } = await alice.seen();
  await eventually('the picture', async () => (await alice.seen()).frames > frames, 5000);
}, 120_000);
