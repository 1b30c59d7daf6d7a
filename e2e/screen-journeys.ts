import { eventually } from '@communication-center/testing';
import { expect } from 'vitest';
import { type ConsolePage, callBetween, press, says, saysNoMore } from './console-page.js';
import { areRed, textsOf } from './console-sight.js';
import { type Journey, two } from './each-browser.js';

/** What is decoded of the pictures of a part of the page. */
interface Pictures {
  frames: number;
  /** Of pictures that are decoded and do not lie there. */
  framesElsewhere: number;
}

/** @returns what WebRTC's own statistics say of the pictures that lie in a part of the page, by its selector. */
const picturesIn = (page: ConsolePage, part: string): Promise<Pictures> =>
  page.evaluate(async (selector) => {
    const pictures = { frames: 0, framesElsewhere: 0 };
    const tracks = new Set(
      [...document.querySelectorAll<HTMLVideoElement>(`${selector} video`)].flatMap(({ srcObject }) =>
        ((srcObject as MediaStream | null)?.getVideoTracks() ?? []).map(({ id }) => id),
      ),
    );
    for (const connection of (window as unknown as { kept: RTCPeerConnection[] }).kept) {
      if (connection.connectionState === 'closed') continue;
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type !== 'inbound-rtp' || entry.kind !== 'video') continue;
        if (tracks.has(entry.trackIdentifier)) pictures.frames += entry.framesDecoded ?? 0;
        else pictures.framesElsewhere += entry.framesDecoded ?? 0;
      }
    }
    return pictures;
  }, part);

/** Frames of a screen, and of a camera beside it, are decoded from now on. */
async function seesScreenAndCamera(page: ConsolePage, name: string): Promise<void> {
  await says(page, `The screen of ${name}`);
  const count = async () => [await picturesIn(page, '.screens'), await picturesIn(page, '.tiles')].map(({ frames }) => frames);
  const before = await count();
  await eventually('frames of the screen and of the camera', async () =>
    (await count()).every((frames, index) => frames > (before[index] ?? 0) + 5),
  );
}

/** Nothing of a screen is shown, or received: the camera is decoded, and nothing else is. */
async function seesCameraAlone(page: ConsolePage, name: string): Promise<void> {
  await saysNoMore(page, `The screen of ${name}`);
  const before = await picturesIn(page, '.tiles');
  const after = await eventually('more frames of the camera', async () => {
    const now = await picturesIn(page, '.tiles');
    return now.frames > before.frames + 5 && now;
  });
  // The last of them were on their way.
  expect(after.framesElsewhere - before.framesElsewhere).toBeLessThan(3);
}

const connections = (page: ConsolePage) =>
  page.evaluate(() => (window as unknown as { kept: RTCPeerConnection[] }).kept.map(({ connectionState }) => connectionState));

/** Notes what a page shares, so that it can be stopped as the browser does. */
const noteShared = (page: ConsolePage): Promise<void> =>
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
const stopAsBrowsersDo = (page: ConsolePage): Promise<void> =>
  page.evaluate(() => {
    const [track] = (window as unknown as { shared: MediaStream }).shared.getVideoTracks();
    track?.stop();
    track?.dispatchEvent(new Event('ended'));
  });

async function sharesBothWays(journey: Journey): Promise<void> {
  const [bob, alice] = await two(journey, 'bob', 'alice');
  await callBetween(alice, bob, 'bob');
  await noteShared(bob);
  await press(bob, 'Share your screen', 'toolbar');
  await says(bob, 'The others see your screen.');
  await seesScreenAndCamera(alice, 'bob');
  if (journey.browser === 'Firefox') expect(await areRed(alice, '.screens'), 'it is the screen, which is red').toEqual([true]);
  for (const page of [alice, bob]) expect(await connections(page)).toEqual(['connected', 'connected']);
  await stopAsBrowsersDo(bob);
  await saysNoMore(bob, 'The others see your screen.');
  await seesCameraAlone(alice, 'bob');
  // The other way round, on the width of a phone.
  await bob.resize(390, 800);
  await press(alice, 'Share your screen', 'toolbar');
  await seesScreenAndCamera(bob, 'alice');
  await press(alice, 'Stop sharing your screen', 'toolbar');
  await seesCameraAlone(bob, 'alice');
  await press(alice, 'Hang up', 'toolbar');
  await says(bob, 'alice hung up');
}

async function saysThatNoneIsThere(journey: Journey): Promise<void> {
  const [bob, alice] = await two(journey, 'bob', 'alice');
  await callBetween(alice, bob, 'bob');
  const refuseWith = (name: string) =>
    bob.evaluate((given) => {
      navigator.mediaDevices.getDisplayMedia = () => Promise.reject(new DOMException('no', given));
    }, name);
  await refuseWith('NotAllowedError');
  await press(bob, 'Share your screen', 'toolbar');
  expect((await textsOf(bob, '[role=alert]')).join(''), 'who chooses none is told nothing').toBe('');
  await refuseWith('NotFoundError');
  await press(bob, 'Share your screen', 'toolbar');
  await says(bob, 'Your screen could not be shared');
  await press(bob, 'Hang up', 'toolbar');
  await says(alice, 'bob hung up');
}

/** What sharing a screen comes to, in each browser. */
export const journeys: Record<string, (journey: Journey) => Promise<void>> = {
  'a screen is decoded beside the camera, over the same connection, and is gone when the browser or the page stops it': sharesBothWays,
};

/** What costs more than it tells each time. */
export const moreJourneys: typeof journeys = {
  'where no screen can be shared the page says so, and nothing to who chose none': saysThatNoneIsThere,
};
