/*
 * What a moderator forbade does not arrive, whatever the device does against it: its sound is counted in packets at the other end, with
 * real ones. It holds over a page that is loaded anew, since it is in the call's events and in nobody's memory.
 */
import { Browsers, eventually, Fleet, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { arriving, expectPictureAlone, inCall } from './moderated-pages.js';

const fleet = new Fleet();
const browsers = new Browsers();
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
});
afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

test('whose sound is forbidden is not heard, though the device sends it and is loaded anew, until it is allowed', async () => {
  const [alice, bob] = await inCall(browsers, fleet, app);
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

  await alice.allowParticipant('bob', { audio: true });
  await eventually('bob hearing of it', async () => (await bob.refusalOfSending('audio')) === undefined);
  await eventually('sound', async () => (await arriving(alice)).packets > 20, 15_000);
}, 240_000);

test('whose picture is forbidden is heard and not seen, and is seen again when it is allowed', async () => {
  const [alice, bob] = await inCall(browsers, fleet, app);
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
