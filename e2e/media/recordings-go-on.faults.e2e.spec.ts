/*
 * A recording has all that there was, in its place: also when Janus is killed in the middle of it, from what it had written and what the next one
 * writes; and with three people and a screen the picture follows who is there. Who was recorded reads it, where the app has it so, and nobody else.
 * For npm run check:long: EVERY_RECORDING.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browsers, eventually, Fleet, janusOf, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import type { SdkPage } from '../sdk-in-browser/sdk-page.js';
import { brightness, colourAt, everyPicture, everyWindow, loudness, medianLag, onsets, probe } from './look-into.js';
import { downloadTo, openBeeping, readyRecording, recordingOf } from './recorded-calls.js';

const fleet = new Fleet();
const browsers = new Browsers();
const people = {
  alice: { tone: 440, colour: '#600000' },
  bob: { tone: 1000, colour: '#000060' },
  carol: { tone: 1600, colour: '#006000' },
};
type Name = keyof typeof people;
const isWhole = process.env.EVERY_RECORDING === 'true';
let app: TestApp;
let folder: string;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { usersMayRecord: true, mediaSetupSeconds: 0 } });
  for (const name of ['bob', 'carol', 'eve']) await fleet.makeUser(app, name);
  folder = await mkdtemp(join(tmpdir(), 'recording-'));
});
afterEach(async () => {
  await browsers.closeAll();
  await rm(folder, { recursive: true });
});
afterAll(() => browsers.quit());

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const open = (userAlias: Name) => openBeeping(browsers, { fleet, app, userAlias }, people[userAlias]);
const sees = async (one: SdkPage) => {
  const { frames, packets } = await one.seen();
  return frames > 3 && packets > 3;
};

declare const window: Window & typeof globalThis & { peers: RTCPeerConnection[] };

/** How many pictures came over the connections that a page made after its first so many. */
const framesSince = (one: SdkPage, connections: number) =>
  one.page.evaluate(async (from) => {
    let frames = 0;
    for (const peer of window.peers.slice(from))
      for (const entry of (await peer.getStats()).values()) if (entry.type === 'inbound-rtp') frames += entry.framesDecoded ?? 0;
    return frames;
  }, connections);

/** Has a call of some people recorded. @returns its id, once Janus writes. */
async function recorded(caller: SdkPage, callees: Partial<Record<Name, SdkPage>>): Promise<string> {
  await caller.dial(Object.keys(callees));
  await caller.takeUp(Object.keys(callees)[0] ?? '');
  for (const page of Object.values(callees)) {
    await page.takeUp('alice');
    await page.answer();
  }
  const all = [caller, ...Object.values(callees)];
  await eventually('sound and pictures', async () => (await Promise.all(all.map(sees))).every(Boolean), 30_000);
  const callId = await caller.callId;
  await caller.record('startRecording');
  await eventually('Janus recording', async () => (await recordingOf({ fleet, app }, callId)).state === 'recording', 15_000);
  return callId;
}

test.runIf(isWhole)(
  'what was recorded until Janus was killed is kept, and what its successor recorded comes behind it, in time',
  async () => {
    const [alice, bob] = [await open('alice'), await open('bob')];
    const callId = await recorded(alice, { bob });
    await sleep(6000);
    const both = [alice, bob];
    const before = await Promise.all(both.map((one) => one.connections()));
    await fleet.control(await janusOf(fleet, app.appId), 'kill');
    const killedAt = Date.now();
    // Over new connections, since those of before are of nobody any more.
    const isBack = async () =>
      (await Promise.all(both.map((one, index) => framesSince(one, before[index] ?? 0)))).every((frames) => frames > 3);
    await eventually('pictures again', isBack, 20_000);
    const backMs = Date.now() - killedAt;
    // From here on one of the two is silent: whatever of that voice there is, was recorded by the Janus that was killed, or just after.
    await alice.setSending('audio', false);
    await sleep(8000);
    await alice.record('stopRecording');
    await alice.hangUp();
    const recording = await readyRecording({ fleet, app }, callId);
    const [mp4] = recording.files;
    if (!mp4) throw new Error('there is no file');
    const file = await downloadTo(folder, mp4);
    const { seconds } = await probe(file);
    const [ofAlice, ofBob] = [
      onsets(await loudness(file, people.alice.tone), everyWindow),
      onsets(await loudness(file, people.bob.tone), everyWindow),
    ];
    const silentFrom = (ofAlice.at(-1) ?? 0) + 0.5;
    const halves = [0, 640].map((x) => ({ x: x + 160, y: 240, width: 320, height: 240 }));
    const flashes = await Promise.all(halves.map(async (half) => onsets(await brightness(file, half), everyPicture)));
    const lagOf = (from: number, to: number) =>
      flashes.map((seen) =>
        medianLag(
          seen,
          ofBob.filter((at) => at >= from && at < to),
        ),
      );
    const lags = [...lagOf(0, 5), ...lagOf(silentFrom, seconds)];
    console.log(
      `back in ${backMs} ms; ${seconds.toFixed(1)} s of file; ${ofAlice.length} and ${ofBob.length} beeps; alice's last at ${ofAlice.at(-1)?.toFixed(1)} s; sound after picture, ms: ${lags.map((lag) => lag.toFixed(0)).join(', ')}`,
    );
    // Six seconds, the time until both were back less what nobody sent in, and eight seconds.
    expect(seconds).toBeGreaterThan(13);
    expect(seconds).toBeLessThan(14.5 + backMs / 1000 + 1);
    expect(ofAlice.filter((at) => at < 6).length).toBeGreaterThanOrEqual(4);
    expect(ofBob.filter((at) => at > silentFrom).length).toBeGreaterThanOrEqual(5);
    expect(seconds - silentFrom).toBeGreaterThan(6);
    for (const lag of lags) expect(Math.abs(lag)).toBeLessThan(100);
  },
  240_000,
);

test.runIf(isWhole)(
  'with three people and a screen the picture follows who is there, and who was recorded reads it',
  async () => {
    const [alice, bob, carol] = [await open('alice'), await open('bob'), await open('carol')];
    const callId = await recorded(alice, { bob, carol });
    const began = Date.now();
    const at = () => (Date.now() - began) / 1000;
    await sleep(4000);
    const three = at() - 1.5;
    await alice.page.evaluate(() => (window as unknown as { call: { shareScreen(): Promise<void> } }).call.shareScreen());
    await sleep(6000);
    const shared = at() - 2;
    await alice.page.evaluate(() => (window as unknown as { call: { stopScreen(): void } }).call.stopScreen());
    await carol.hangUp();
    await sleep(6000);
    const two = at() - 2;
    await alice.record('stopRecording');
    await alice.hangUp();
    const recording = await readyRecording({ fleet, app }, callId);
    const [mp4] = recording.files;
    if (!mp4) throw new Error('there is no file');
    const file = await downloadTo(folder, mp4);
    const { seconds, streams: inFile } = await probe(file);
    expect(inFile).toMatchObject([{ codec: 'h264', width: 1280, height: 720 }, { codec: 'aac' }]);
    expect(Math.abs(seconds - (recording.seconds ?? 0))).toBeLessThan(0.1);
    for (const { tone } of Object.values(people)) expect(onsets(await loudness(file, tone), everyWindow).length).toBeGreaterThanOrEqual(3);

    // Between flashes a tile is of its person's colour: of some pictures of a second the darkest is looked at.
    const seen = async (from: number, boxes: { x: number; y: number; width: number; height: number }[]) =>
      Promise.all(
        boxes.map(async ({ x, y, width, height }) => {
          const inner = { x: x + width / 4, y: y + height / 4, width: width / 2, height: height / 2 };
          const colours = await Promise.all([0, 0.3, 0.6, 0.9].map((later) => colourAt(file, from + later, inner)));
          const [darkest = [0, 0, 0]] = colours.toSorted((one, other) => sum(one) - sum(other));
          return nameOf(darkest);
        }),
      );
    const quarter = { width: 640, height: 360 };
    const ofThree = await seen(three, [
      { x: 0, y: 0, ...quarter },
      { x: 640, y: 0, ...quarter },
      { x: 320, y: 360, ...quarter },
    ]);
    const strip = [90, 270, 450].map((y) => ({ x: 960, y, width: 320, height: 180 }));
    const ofScreen = await seen(shared, [{ x: 0, y: 90, width: 960, height: 540 }, ...strip]);
    const ofTwo = await seen(
      two,
      [0, 640].map((x) => ({ x: x + 80, y: 180, width: 480, height: 360 })),
    );
    console.log(JSON.stringify({ seconds, ofThree, ofScreen, ofTwo }));
    expect(ofThree.toSorted()).toEqual(['blue', 'green', 'red']);
    expect([ofScreen[0], ofScreen.slice(1).toSorted()]).toEqual(['yellow', ['blue', 'green', 'red']]);
    expect(ofTwo.toSorted()).toEqual(['blue', 'red']);

    const read = async (userAlias: string, of = app) =>
      (await fleet.rest('GET', `/v1/calls/${callId}/recordings`, await fleet.tokenOf(of, userAlias))).status;
    expect([await read('bob'), await read('carol'), await read('eve')]).toEqual([200, 200, 404]);
    const { body } = await fleet.rest<{ files: { url: string }[] }>(
      'GET',
      `/v1/recordings/${recording.recordingId}`,
      await fleet.tokenOf(app, 'bob'),
    );
    expect((await fetch(body.files[0]?.url ?? '')).status).toBe(200);
    expect((await fleet.rest('DELETE', `/v1/recordings/${recording.recordingId}`, await fleet.tokenOf(app, 'bob'))).status).toBe(403);
    const others = await fleet.makeApp({ options: { usersMayRecord: true } });
    await fleet.makeUser(others, 'bob');
    expect(await read('bob', others)).toBe(404);
    await fleet.rest('PUT', `/v1/apps/${app.appId}`, fleet.state.secrets.operatorKey, {
      ...{ name: app.appId, trustsBareAlias: true, options: { usersMayRecord: false } },
    });
    await eventually('the app letting users read no more', async () => (await read('bob')) === 404, 15_000);
  },
  240_000,
);

const sum = (colour: readonly number[]) => colour.reduce((total, one) => total + one, 0);
const most = 40;
/** What a colour is called: those that are sent are told apart by which of their parts are there at all. */
function nameOf([red, green, blue]: readonly number[]): string {
  const has = [red, green, blue].map((part = 0) => part > most).join();
  const names: Record<string, string> = {
    'true,false,false': 'red',
    'false,true,false': 'green',
    'false,false,true': 'blue',
    'true,true,false': 'yellow',
  };
  return names[has] ?? `${red} ${green} ${blue}`;
}
