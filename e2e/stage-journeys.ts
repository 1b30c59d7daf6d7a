import { eventually, Phones, ringOf } from '@communication-center/testing';
import { expect } from 'vitest';
import { type ConsolePage, callBetween, connected, dialFrom, hasMedia, press, says, saysNoMore } from './console-page.js';
import { areRed, boxesOf, chooseMore, controlsOf, fitsItsWidth, focused, picturesOfOthers, tabTo, textsOf } from './console-sight.js';
import { type Journey, two } from './each-browser.js';

const controls = ['Microphone', 'Camera', 'Share your screen', 'Devices', 'People', 'More', 'Hang up'];

const seesPicture = (page: ConsolePage) => eventually('a picture', async () => (await picturesOfOthers(page)) === 1);
const seesNone = (page: ConsolePage) => eventually('an avatar in place of the picture', async () => (await picturesOfOthers(page)) === 0);

/** From the next call on somebody speaks without a pause. */
const speaksOn = (page: ConsolePage): Promise<void> =>
  page.evaluate(() => {
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    const audio = new AudioContext();
    const [tone, sink] = [audio.createOscillator(), audio.createMediaStreamDestination()];
    tone.connect(sink);
    tone.start();
    navigator.mediaDevices.getUserMedia = (wish) => (wish?.audio ? Promise.resolve(sink.stream.clone()) : open(wish));
  });

/** The picture of the other fills the stage, one's own lies small in it, the controls below. */
async function expectPictureFirst(page: ConsolePage): Promise<void> {
  const only = async (part: string) => {
    const [box] = await boxesOf(page, part);
    if (!box) throw new Error(`${part} is not shown`);
    return box;
  };
  const [scene, other, own] = [await only('.scene'), await only('.tiles .tile'), await only('.tile.own')];
  expect(scene.height).toBeGreaterThan(400);
  expect(other.width).toBeGreaterThan(scene.width * 0.98);
  expect(other.height).toBeGreaterThan(scene.height * 0.98);
  expect(own.width * own.height).toBeLessThan((scene.width * scene.height) / 8);
  expect(own.x + own.width <= scene.x + scene.width && own.y + own.height <= scene.y + scene.height).toBe(true);
  expect((await controlsOf(page)).map(({ name }) => name)).toEqual(controls);
  expect(await fitsItsWidth(page)).toBe(true);
}

async function putsPicturesFirst(journey: Journey): Promise<void> {
  const [alice, bob] = await two(journey, 'alice', 'bob');
  await speaksOn(bob);
  await callBetween(alice, bob, 'bob');
  await seesPicture(alice);
  for (const width of [390, 1280]) {
    await alice.resize(width, 800);
    await expectPictureFirst(alice);
  }
  const mirrored = (part: string) =>
    alice.evaluate((selector) => getComputedStyle(document.querySelector(`${selector} video`) as Element).transform, part);
  expect(await mirrored('.tile.own')).toBe('matrix(-1, 0, 0, 1, 0, 0)');
  expect(await mirrored('.tiles')).toBe('none');
  // The clock of the call goes on.
  const clock = async () => (await textsOf(alice, '[role=timer]'))[0] ?? '';
  const first = await clock();
  expect(first).toMatch(/^\d:\d\d$/);
  await eventually('the clock going on', async () => (await clock()) > first);
  // Who is heard is marked, to the eye and to readers of the screen, until muted: on machines without a loudspeaker by the Center's word.
  const speaking = () => alice.evaluate(() => document.querySelector('.tiles .tile.speaking figcaption')?.textContent);
  await eventually('the mark of who speaks', async () => (await speaking())?.includes('speaks'));
  await press(bob, 'Microphone', 'toolbar');
  await says(alice, 'muted:');
  await eventually('no mark of somebody who is muted', async () => !(await speaking()));
  await press(bob, 'Camera', 'toolbar');
  await seesNone(alice);
  expect(await textsOf(alice, '.tiles .avatar')).toEqual(['B']);
  // So it stays in the next call.
  await press(bob, 'Hang up', 'toolbar');
  await says(alice, 'bob hung up');
  await dialFrom(alice, 'bob');
  await press(bob, 'Answer', 'dialog');
  await connected(bob);
  expect(await bob.evaluate(() => document.querySelector('[role=toolbar] button')?.getAttribute('aria-pressed'))).toBe('false');
  await says(alice, 'muted:');
  await press(bob, 'Hang up', 'toolbar');
  await says(alice, 'bob hung up');
}

async function keepsControlsInViewAmongNine({ fleet, app, open }: Journey): Promise<void> {
  const phones = new Phones(fleet);
  try {
    const others = await Promise.all(Array.from({ length: 8 }, (_, number) => phones.connect(app, `guest-${number}`)));
    const alice = await open('alice');
    await alice.resize(390, 800);
    for (const { center } of others) await alice.click(`//input[@aria-label="Pick ${center.userAlias}"]`);
    await press(alice, 'Call 8 people');
    await Promise.all(others.map(async (phone) => (await ringOf(phone)).answer()));
    await connected(alice);
    await eventually('all of them being shown', async () => (await boxesOf(alice, '.tiles .tile')).length === 8);
    const seen = await controlsOf(alice);
    expect(seen.map(({ name }) => name)).toEqual(controls);
    for (const { name, box, isOnTop } of seen) {
      const isInView = box.x >= 0 && box.x + box.width <= 390 && box.y + box.height <= 800;
      expect([name, isInView, box.width >= 44 && box.height >= 44, isOnTop]).toEqual([name, true, true, true]);
    }
    // Whoever is last is seen past one's own picture.
    await alice.evaluate(() => document.querySelector('.tiles')?.scrollTo(0, 10_000));
    const last = (await boxesOf(alice, '.tiles .tile')).at(-1);
    const [own] = await boxesOf(alice, '.tile.own');
    expect(last && own && last.y + last.height <= own.y, JSON.stringify({ last, own })).toBe(true);
    expect(await fitsItsWidth(alice)).toBe(true);
    await press(alice, 'Hang up', 'toolbar');
    await says(alice, 'You hung up');
  } finally {
    phones.closeAll();
  }
}

async function showsItLarger(journey: Journey): Promise<void> {
  const [alice, bob] = await two(journey, 'alice', 'bob');
  await callBetween(alice, bob, 'bob');
  await seesPicture(alice);
  const inFull = () => alice.evaluate(() => document.fullscreenElement?.className);
  await chooseMore(alice, 'Full screen');
  await eventually('the whole screen', async () => (await inFull()) === 'app');
  // What one can do, and what is told, is there as well.
  expect((await controlsOf(alice)).every(({ isOnTop }) => isOnTop)).toBe(true);
  await chooseMore(alice, 'Leave full screen');
  await eventually('the page in its window', async () => (await inFull()) === undefined);

  const isApart = () => alice.evaluate(() => Boolean(document.pictureInPictureElement?.closest('.tiles')));
  await chooseMore(alice, 'Picture in picture');
  await eventually('the picture in a window of its own', isApart);
  await hasMedia(alice);
  await chooseMore(alice, 'Picture in picture');
  await eventually('the picture in the page', async () => !(await isApart()));

  await alice.evaluate(() => {
    const refuse = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
    Object.assign(Element.prototype, { requestFullscreen: refuse });
    Object.assign(HTMLVideoElement.prototype, { requestPictureInPicture: refuse });
  });
  await chooseMore(alice, 'Full screen');
  await says(alice, 'Your browser does not give this page the whole screen');
  await chooseMore(alice, 'Picture in picture');
  await says(alice, 'Your browser does not show the picture in a window of its own');
  await press(bob, 'Camera', 'toolbar');
  await seesNone(alice);
  await chooseMore(alice, 'Picture in picture');
  await says(alice, 'Nobody sends a picture that could be shown in a window of its own');
  // Browsers that have no such windows, as Firefox until lately, are not asked for one.
  await alice.evaluate(() => {
    for (const name of ['pictureInPictureEnabled', 'fullscreenEnabled']) Object.defineProperty(document, name, { value: undefined });
  });
  await press(alice, 'More', 'toolbar');
  expect(await textsOf(alice, '.choices button')).toEqual(['Raise your hand', 'Record this call', 'Details']);
  await alice.key('Escape');
  await press(alice, 'Hang up', 'toolbar');
  await says(bob, 'alice hung up');
}

/** Plugs a red camera and another microphone into the device of a page, as far as the page can tell. */
const plugIn = (page: ConsolePage): Promise<void> =>
  page.evaluate(() => {
    const devices = navigator.mediaDevices;
    const [list, open] = [devices.enumerateDevices.bind(devices), devices.getUserMedia.bind(devices)];
    const plugged = [
      { kind: 'audioinput', deviceId: 'other-microphone', label: 'Other microphone', groupId: '', toJSON: () => '' },
      { kind: 'videoinput', deviceId: 'red-camera', label: 'Red camera', groupId: '', toJSON: () => '' },
    ] as MediaDeviceInfo[];
    const redTrack = () => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 240 });
      const drawn = canvas.getContext('2d');
      let turn = 0;
      setInterval(() => {
        if (!drawn) return;
        drawn.fillStyle = '#f00';
        drawn.fillRect(0, 0, 320, 240);
        drawn.fillStyle = turn++ % 2 === 0 ? '#c00' : '#f00';
        drawn.fillRect(0, 0, 40, 40);
      }, 100);
      return canvas.captureStream(10).getVideoTracks();
    };
    const tone = () => {
      const audio = new AudioContext();
      const [source, sink] = [audio.createOscillator(), audio.createMediaStreamDestination()];
      source.connect(sink);
      source.start();
      return sink.stream.getAudioTracks();
    };
    const idOf = (wish: boolean | MediaTrackConstraints | undefined) => {
      const id = typeof wish === 'object' ? wish.deviceId : undefined;
      return typeof id === 'object' && 'exact' in id ? id.exact : undefined;
    };
    devices.enumerateDevices = async () => [...(await list()), ...plugged];
    devices.getUserMedia = async (wish) => {
      const made = idOf(wish?.video) === 'red-camera' ? redTrack() : idOf(wish?.audio) === 'other-microphone' ? tone() : [];
      if (made.length === 0) return open(wish);
      const [track] = made;
      const deviceId = track?.kind === 'video' ? 'red-camera' : 'other-microphone';
      if (track) track.getSettings = () => ({ deviceId });
      return new MediaStream(made);
    };
    devices.dispatchEvent(new Event('devicechange'));
  });

const markedDevices = (page: ConsolePage) =>
  page.evaluate(() => [...document.querySelectorAll('.device-choice :checked')].map((one) => one.closest('label')?.textContent));

async function usesWhatIsPluggedIn(journey: Journey): Promise<void> {
  const [alice, bob] = await two(journey, 'alice', 'bob');
  await callBetween(alice, bob, 'bob');
  await alice.resize(390, 800);
  await press(alice, 'Devices', 'toolbar');
  await eventually('what is used being marked', async () => (await markedDevices(alice)).length === 2);
  const before = await markedDevices(alice);
  await plugIn(alice);
  await says(alice, 'Red camera');
  // By keys alone: the arrows of the platform go from one to the next.
  const chooseLast = async (kind: string, name: string) => {
    await alice.evaluate((one) => document.querySelector<HTMLElement>(`[name=device-${one}]:checked`)?.focus(), kind);
    for (let count = 0; count < 5 && !(await markedDevices(alice)).includes(name); count += 1) {
      await alice.key('ArrowDown');
      await eventually('another one being marked', async () => (await markedDevices(alice)).length === 2);
    }
  };
  await chooseLast('audio', 'Other microphone');
  await chooseLast('video', 'Red camera');
  await eventually('the others seeing it', async () => (await areRed(bob, '.tiles'))[0] === true);
  await hasMedia(bob);
  expect(await markedDevices(alice)).toEqual(['Other microphone', 'Red camera']);
  expect(before).not.toContain('Red camera');
  await alice.key('Escape');
  await saysNoMore(alice, 'Other microphone');
  expect(await focused(alice)).toBe('Devices');
  // So it stays in the next call.
  await press(alice, 'Hang up', 'toolbar');
  await says(bob, 'alice hung up');
  await callBetween(alice, bob, 'bob');
  await eventually('the same camera', async () => (await areRed(bob, '.tiles'))[0] === true);
  await tabTo(alice, 'Devices');
  await press(alice, 'Hang up', 'toolbar');
  await says(bob, 'alice hung up');
}

/** What is to be seen in a call, in each browser. */
export const journeys: Record<string, (journey: Journey) => Promise<void>> = {
  'the other fills the stage, oneself is small and mirrored; a clock runs, who speaks or is muted is marked, and an avatar stands for no picture':
    putsPicturesFirst,
  'with nine people on the width of a phone the controls of the call are in view, and no picture hides them': keepsControlsInViewAmongNine,
  'a call is shown on the whole screen and in a window of its own, and back; a browser that refuses is heard of in words, one that cannot is not asked':
    showsItLarger,
};

/** What Chromium makes in another form, with devices of its own (`browser-devices`). */
export const moreJourneys: typeof journeys = {
  'a camera and a microphone that are plugged in are listed at once and chosen by keys; the others see it, and so it stays':
    usesWhatIsPluggedIn,
};
