/*
 * Takes the pictures that README.md and docs/ show, of the page as it runs, into docs/:
 * `PICTURES=true npm test -- --replicas 1 --brokers 1 --project browser e2e/pictures`. Cameras are drawn, so that they compress well and
 * nobody is on them; ffmpeg, which recordings need as well, takes each picture down to 256 colours.
 */
import { execFile } from 'node:child_process';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Browsers, endOf, eventually, Fleet, Phones, ringOf, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeEach, describe, test } from 'vitest';
import { type ConsolePage, connected, consoleOf, isSaid, press, says } from './console-page.js';
import { boxesOf, picturesOfOthers } from './console-sight.js';

const fleet = new Fleet();
const browsers = new Browsers();
const phones = new Phones(fleet);
const docs = join(import.meta.dirname, '../docs');
const desk = [1280, 800] as const;
const phone = [390, 844] as const;
const names = [
  'Alice Archer',
  'Bob Baker',
  'Carol Cooper',
  'Dan Dyer',
  'Erin Eastwood',
  'Frank Field',
  'Grace Green',
  'Heidi Hall',
  'Ivan Ives',
];
const aliases = names.map((name) => name.split(' ')[0]?.toLowerCase() ?? name);
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { maxParticipants: 9, recordCallTypes: ['audio_video'] } });
  for (const [index, userAlias] of aliases.entries()) await fleet.makeUser(app, userAlias, { name: names[index] ?? userAlias });
});
afterEach(async () => {
  phones.closeAll();
  await browsers.closeAll();
});
afterAll(() => browsers.quit());

/** Signs somebody in, whose camera shows a drawn person, and who speaks or does not. */
async function signIn(userAlias: string, size: readonly [number, number], { speaks = false } = {}): Promise<ConsolePage> {
  const page = await consoleOf(browsers, fleet, app, userAlias);
  await page.resize(...size);
  await page.evaluate(drawCamera, { index: aliases.indexOf(userAlias), speaks });
  return page;
}

function drawCamera({ index, speaks }: { index: number; speaks: boolean }): void {
  const walls = ['#d9c7a8', '#a9c4cf', '#c9b2c9', '#b3c9a8', '#d6b5a5', '#a8b3d1', '#cfcfae', '#b9d0c8', '#d1b9b9'];
  const clothes = ['#23527a', '#7a2f3a', '#2f6b4f', '#5a4a86', '#8a5a1f', '#3d3d4d', '#1f6f78', '#7a3f6b', '#4f6414'];
  const skins = ['#e5b894', '#b9805a', '#f0cdb0', '#8a5a3c', '#d9a27c', '#6d452e', '#e8c09c', '#c48f68', '#a56f4a'];
  const hairs = ['#3a2a20', '#1d1714', '#8a5a2b', '#15110f', '#5c3b22', '#0f0d0c', '#b58b4a', '#2b1f1a', '#707070'];
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
  const pen = canvas.getContext('2d');
  let turn = 0;
  const blob = (colour: string | undefined, [x, y, wide, high]: [number, number, number, number]) => {
    if (!pen) return;
    pen.fillStyle = colour ?? '#000';
    pen.beginPath();
    pen.ellipse(x, y, wide, high, 0, 0, 7);
    pen.fill();
  };
  const draw = () => {
    if (!pen) return;
    const sway = Math.sin(turn++ / 4) * 3;
    pen.fillStyle = walls[index] ?? '#ccc';
    pen.fillRect(0, 0, 640, 360);
    pen.fillStyle = 'rgb(255 255 255 / 45%)';
    pen.fillRect(index % 2 === 0 ? 60 : 480, 30, 100, 150);
    blob(hairs[index], [320 + sway, 150, 72, 84]);
    blob(clothes[index], [320, 390, 160, 130]);
    pen.fillStyle = skins[index] ?? '#e5b894';
    pen.fillRect(296 + sway / 2, 215, 48, 60);
    blob(skins[index], [320 + sway, 166, 58, 74]);
    blob(hairs[index], [320 + sway, 102, 58, 28]);
    for (const side of [-22, 22]) blob('#2a2320', [320 + sway + side, 166, 5, 6]);
    blob('#8a3f3a', [320 + sway, 202, 16, speaks ? 4 + 4 * Math.abs(Math.sin(turn)) : 3]);
  };
  draw();
  setInterval(draw, 300);
  navigator.mediaDevices.getUserMedia = async (wish) => {
    const made = new MediaStream();
    if (wish?.video) for (const track of canvas.captureStream(3).getTracks()) made.addTrack(track);
    if (!wish?.audio) return made;
    const audio = new AudioContext();
    const [tone, volume, sink] = [audio.createOscillator(), audio.createGain(), audio.createMediaStreamDestination()];
    volume.gain.value = speaks ? 0.4 : 0;
    tone.connect(volume).connect(sink);
    tone.start();
    for (const track of sink.stream.getTracks()) made.addTrack(track);
    return made;
  };
}

async function shoot(page: ConsolePage, name: string): Promise<void> {
  const [taken, path] = [join(docs, `${name}.taken.png`), join(docs, `${name}.png`)];
  await page.shoot(taken);
  const palette = 'split[one][two];[one]palettegen=stats_mode=single[colours];[two][colours]paletteuse=dither=none';
  await promisify(execFile)('ffmpeg', ['-y', '-loglevel', 'error', '-i', taken, '-vf', palette, '-update', '1', `${path}.png`]);
  await rename(`${path}.png`, path);
  await promisify(execFile)('rm', [taken]);
}

/** So many others are seen, each clearly, and nine pages on one machine have come to rest. */
async function seesOthers(page: ConsolePage, count: number): Promise<void> {
  await eventually('pictures of all others', async () => (await picturesOfOthers(page)) === count, 60_000);
  let calmSince = Date.now();
  await eventually(
    'the page being calm',
    async () => {
      if (await isSaid(page, 'Reconnecting…')) calmSince = Date.now();
      return Date.now() - calmSince > 5000;
    },
    60_000,
  );
}

/** Past calls of somebody: one that was missed, one that was declined, one that was talked in. */
async function makeHistory(): Promise<void> {
  const [alice, carol, dan, erin] = await Promise.all(['alice', 'carol', 'dan', 'erin'].map((one) => phones.connect(app, one)));
  if (!alice || !carol || !dan || !erin) throw new Error('four phones are connected');
  const rings = async (from: typeof alice, to: string) => from.center.call([to], { callType: 'audio_video' });
  const missed = await rings(carol, 'alice');
  await ringOf(alice);
  await missed.hangUp();
  await endOf(missed);
  const declined = await rings(alice, 'dan');
  await (await ringOf(dan)).decline({ reason: 'busy' });
  await endOf(declined);
  const talk = await rings(alice, 'erin');
  await (await ringOf(erin)).answer();
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await talk.hangUp();
  await endOf(talk);
  alice.center.close();
}

describe.runIf(process.env.PICTURES)('pictures of the page', () => {
  test('whom to call, and a call of two that is recorded, on a phone', async () => {
    await makeHistory();
    const bob = await signIn('bob', desk, { speaks: true });
    const alice = await signIn('alice', phone);
    await eventually('past calls', async () => (await boxesOf(alice, 'li.history')).length === 3);
    await says(alice, 'Ivan Ives');
    await shoot(alice, 'console-phone-people');
    await alice.resize(...desk);
    await shoot(alice, 'console-people');
    await alice.resize(...phone);
    await press(alice, 'Call Bob Baker');
    await press(bob, 'Answer', 'dialog');
    await connected(alice);
    await says(alice, 'This call is being recorded.');
    await seesOthers(alice, 1);
    await shoot(alice, 'console-phone');
    await press(bob, 'Hang up', 'toolbar');
  }, 120_000);

  test('nine people in a call, on a desk and on a phone', async () => {
    const alice = await signIn('alice', desk);
    const others = await Promise.all(aliases.slice(1).map((one) => signIn(one, desk, { speaks: one === 'carol' })));
    for (const name of names.slice(1)) await alice.click(`//input[@aria-label="Pick ${name}"]`);
    await press(alice, 'Call 8 people');
    for (const other of others) {
      await press(other, 'Answer', 'dialog');
      await connected(other);
      // Nobody else needs pictures.
      await press(other, 'Devices', 'nav');
    }
    await press(others[3] as ConsolePage, 'Return', 'call-bar');
    await press(others[3] as ConsolePage, 'Microphone', 'toolbar');
    await press(others[5] as ConsolePage, 'Return', 'call-bar');
    await press(others[5] as ConsolePage, 'Camera', 'toolbar');
    for (const index of [3, 5]) await press(others[index] as ConsolePage, 'Devices', 'nav');
    await seesOthers(alice, 7);
    await shoot(alice, 'console');
    await alice.resize(...phone);
    await seesOthers(alice, 7);
    await shoot(alice, 'console-phone-nine');
    await press(alice, 'Hang up', 'toolbar');
  }, 240_000);

  test('a screen that is shared among three, with what keeps order beside it', async () => {
    const [alice, bob, carol] = await Promise.all([signIn('alice', desk), signIn('bob', desk, { speaks: true }), signIn('carol', desk)]);
    for (const name of names.slice(1, 3)) await alice.click(`//input[@aria-label="Pick ${name}"]`);
    await press(alice, 'Call 2 people');
    for (const other of [bob, carol]) {
      await press(other, 'Answer', 'dialog');
      await connected(other);
    }
    await press(carol, 'Devices', 'nav');
    await seesOthers(alice, 2);
    await bob.evaluate(drawSlide);
    await press(bob, 'Share your screen', 'toolbar');
    await says(alice, 'The screen of Bob Baker');
    await press(alice, 'People', 'toolbar');
    await eventually('a button to stop pictures', async () => (await boxesOf(alice, '[aria-label^="Stop pictures"]')).length === 1);
    await eventually('the screen', () =>
      alice.evaluate(() => (document.querySelector<HTMLVideoElement>('.screens video')?.videoWidth ?? 0) > 0),
    );
    await new Promise((resolve) => setTimeout(resolve, 4000));
    await shoot(alice, 'console-screen');
    await press(alice, 'Close People', 'sheet');
    await alice.resize(...phone);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await shoot(alice, 'console-phone-screen');
    await press(alice, 'Hang up', 'toolbar');
  }, 120_000);
});

/** Something to share: a slide with a few bars. */
function drawSlide(): void {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
  const pen = canvas.getContext('2d');
  const draw = () => {
    if (!pen) return;
    pen.fillStyle = '#fff';
    pen.fillRect(0, 0, 1280, 720);
    pen.fillStyle = '#16202a';
    pen.font = '600 56px sans-serif';
    pen.fillText('Calls answered in a week', 90, 120);
    pen.font = '28px sans-serif';
    for (const [index, day] of ['Mon', 'Tue', 'Wed', 'Thu', 'Fri'].entries()) {
      const high = [260, 330, 300, 410, 370][index] ?? 0;
      pen.fillStyle = '#0a6f53';
      pen.fillRect(120 + index * 220, 620 - high, 140, high);
      pen.fillStyle = '#16202a';
      pen.fillText(day, 160 + index * 220, 670);
    }
  };
  draw();
  setInterval(draw, 200);
  navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(5);
}
