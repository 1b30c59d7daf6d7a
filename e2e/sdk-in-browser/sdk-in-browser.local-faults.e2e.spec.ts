/*
 * What the SDK promises of media and networks, with real ones: nothing is sent against the wish, who is muted, quiet or away is told
 * within three seconds, and a page that is loaded anew is in its call again within three.
 */
import { Browsers, eventually, Fleet, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { SdkPage } from './sdk-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
let app: TestApp;

// Whose page was closed is in the call of the test before for a while yet: so each has people of its own.
beforeEach(async () => {
  app = await fleet.makeApp();
  await fleet.makeUser(app, 'bob');
});
afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

/** Alice and bob in a call, each in a browser, who have heard of each other. */
async function inCall(sending: { audio?: boolean; video?: boolean } = {}): Promise<[SdkPage, SdkPage]> {
  const alice = await SdkPage.open(browsers, fleet, app, 'alice');
  const bob = await SdkPage.open(browsers, fleet, app, 'bob');
  await alice.dial('bob', sending);
  await alice.takeUp('bob');
  await bob.takeUp('alice');
  await bob.answer();
  await eventually('sound both ways', async () => (await alice.seen()).packets > 0 && (await bob.seen()).packets > 0, 20_000);
  return [alice, bob];
}

test('a camera that is not wished sends nothing and is told as off, until it is switched on in the same stream', async () => {
  const [alice, bob] = await inCall({ video: false });
  await eventually('bob being told', async () => (await bob.seen()).streams[0]?.video === 'off');
  expect(await bob.seen()).toMatchObject({ frames: 0, streams: [{ audio: 'on', video: 'off' }] });
  expect((await alice.seen()).state).toEqual({ audio: 'on', video: 'off' });
  await alice.setSending('video', true);
  await eventually('pictures', async () => (await bob.seen()).frames > 3, 15_000);
  await eventually('bob being told', async () => (await bob.seen()).streams[0]?.video === 'on');
  await alice.setSending('audio', false);
  await eventually('bob being told', async () => (await bob.seen()).streams[0]?.audio === 'off', 2000);
});

test('whose network is gone is told to the other as reconnecting within three seconds, and as back', async () => {
  const [alice, bob] = await inCall();
  expect((await bob.seen()).reached.at(-1)?.[0]).toBe('here');
  await alice.setCut(true);
  const { now } = await bob.seen();
  // The doors of these tests close what is silent for as long as it takes to be called quiet: then the other may hear that alice is away.
  const told = async () => (await bob.seen()).reached.find(([reach, at]) => at >= now && ['reconnecting', 'away'].includes(reach));
  const [, at] = await eventually('bob being told', told, 5000);
  expect(at - now).toBeLessThan(3000);
  await alice.setCut(false);
  await eventually('bob being told', async () => (await bob.seen()).reached.at(-1)?.[0] === 'here', 10_000);
});

test('a page that is loaded anew is away at once, and in its call again with sound and picture within three seconds', async () => {
  const [alice, bob] = await inCall();
  const leftAt = Date.now();
  await bob.reload();
  await eventually('alice being told', async () => (await alice.seen()).reached.at(-1)?.[0] === 'away', 3000);
  const [, awayAt] = (await alice.seen()).reached.at(-1) ?? [];
  expect(Number(awayAt) - leftAt).toBeLessThan(1500);
  const loadedAt = Date.now();
  await bob.connect({ sending: { audio: false } });
  await bob.takeUp('alice');
  await eventually('sound and picture', async () => (await bob.seen()).packets > 0 && (await bob.seen()).frames > 0, 10_000);
  expect(Date.now() - loadedAt).toBeLessThan(3000);
  await eventually('alice being told', async () => (await alice.seen()).reached.at(-1)?.[0] === 'here', 3000);
  expect((await bob.seen()).state).toEqual({ audio: 'off', video: 'on' });
});
