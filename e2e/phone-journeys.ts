import { eventually, holds } from '@communication-center/testing';
import { expect } from 'vitest';
import {
  arrivedSince,
  type ConsolePage,
  callBetween,
  connected,
  dialFrom,
  hasMedia,
  holdDevices,
  isSaid,
  liveTracks,
  mark,
  picture,
  press,
  refuseCamera,
  releaseDevices,
  says,
  saysNoMore,
} from './console-page.js';
import { type Journey, two } from './each-browser.js';

const isRinging = (page: ConsolePage) => isSaid(page, 'wants to talk');

/** Notes what a page would tell of outside of itself, as one that may and is not looked at. */
const noteNotifications = (page: ConsolePage): Promise<void> =>
  page.evaluate(() => {
    const notified: string[] = [];
    class Noted {
      static permission = 'granted';
      constructor(title: string) {
        notified.push(title);
      }
      close() {}
    }
    Object.assign(document, { hasFocus: () => false });
    Object.assign(window, { notified, Notification: Noted });
  });

async function ringsOnEveryPage(journey: Journey): Promise<void> {
  const [bob, alice] = await two(journey, 'bob', 'alice');
  await press(bob, 'Devices', 'nav');
  await noteNotifications(bob);
  await dialFrom(alice, 'bob');
  await says(bob, 'wants to talk with video');
  await eventually('the title telling it', () => bob.evaluate(() => document.title.includes('alice is calling')));
  expect(await bob.evaluate(() => (window as unknown as { notified: string[] }).notified)).toEqual(['alice is calling']);
  await press(bob, 'Answer', 'dialog');
  await connected(alice);
  await connected(bob);
  await press(bob, 'People', 'nav');
  await press(bob, 'Return', 'call-bar');
  await press(bob, 'Devices', 'nav');
  expect(await bob.evaluate(() => document.title)).toBe('In a call with alice');
  await press(bob, 'Hang up', 'call-bar');
  await says(bob, 'You hung up: the call with alice is over');
  await says(alice, 'bob hung up');
  expect(await bob.evaluate(() => document.title)).toBe('Communication Center');
}

async function comesBackAfterAReload(journey: Journey): Promise<void> {
  const [alice, bob] = await two(journey, 'alice', 'bob');
  await callBetween(alice, bob, 'bob');
  await press(alice, 'Microphone', 'toolbar');
  await says(bob, 'muted:');
  await alice.reload();
  await connected(alice);
  const first = await picture(alice);
  await eventually('the picture going on', async () => (await picture(alice)) > first + 0.5);
  await says(bob, 'muted:');
  await press(alice, 'Microphone', 'toolbar');
  await hasMedia(bob);
  await press(alice, 'Hang up', 'toolbar');
  await says(bob, 'alice hung up');
}

/** Switched off while the platform's question is open, nothing is sent when it is answered; what comes does not wait for it. */
async function sendsNothingThatTheButtonsDeny(journey: Journey): Promise<void> {
  const [alice, bob] = await two(journey, 'alice', 'bob');
  await holdDevices(alice);
  await dialFrom(alice, 'bob');
  await press(bob, 'Answer', 'dialog');
  await connected(alice);
  await hasMedia(alice);
  await press(alice, 'Microphone', 'toolbar');
  await press(alice, 'Camera', 'toolbar');
  await mark(bob);
  await releaseDevices(alice);
  await holds('nothing live that the buttons deny', async () => (await liveTracks(alice)) === 0, 1500);
  expect(await arrivedSince(bob)).toEqual({ frames: 0, sound: 0 });
  await press(alice, 'Camera', 'toolbar');
  await eventually('a picture once it is allowed', async () => (await arrivedSince(bob)).frames > 0);
  expect((await arrivedSince(bob)).sound).toBe(0);
  await press(alice, 'Hang up', 'toolbar');
  await says(alice, 'You hung up: the call with bob is over', 500);
  expect(await liveTracks(alice)).toBe(0);
}

async function showsADialAtOnceAndTakesItBack(journey: Journey): Promise<void> {
  const [alice, bob] = await two(journey, 'alice', 'bob');
  await alice.click('//input[ancestor::label[contains(., "Find somebody")]]');
  await alice.type('bob');
  // The page is asked in the same turn: nothing of the Center can have arrived.
  const shown = await alice.evaluate(async () => {
    const [button] = [...document.querySelectorAll('button')].filter((one) => one.getAttribute('aria-label') === 'Call bob');
    button?.click();
    await new Promise(requestAnimationFrame);
    return document.querySelector('.stage')?.textContent?.includes('Cancel');
  });
  expect(shown).toBe(true);
  await press(alice, 'Cancel', 'toolbar');
  await says(alice, 'You cancelled the call', 500);
  expect(await liveTracks(alice)).toBe(0);
  await eventually('nothing ringing any more', async () => !(await isRinging(bob)));
  const alerts = () => alice.evaluate(() => [...document.querySelectorAll('[role=alert]')].map(({ textContent }) => textContent).join(''));
  expect(await alerts()).toBe('');
  // The next try is as the first.
  await dialFrom(alice, 'bob');
  await says(bob, 'wants to talk with video');
  await press(alice, 'Cancel', 'toolbar');
  await says(bob, 'Missed call from alice');
}

async function answersNothingByAStrayKey(journey: Journey): Promise<void> {
  const [bob, alice] = await two(journey, 'bob', 'alice');
  const ringsWhile = async (act: () => Promise<void>) => {
    await dialFrom(alice, 'bob');
    await says(bob, 'Escape silences it');
    await act();
    expect(await isRinging(bob)).toBe(true);
    await press(alice, 'Cancel', 'toolbar');
    await saysNoMore(bob, 'wants to talk');
  };
  // Keys that are on their way when it begins to ring: as soon as a page can press them.
  await bob.evaluate(() => {
    Object.assign(window, { early: 0 });
    new MutationObserver(() => {
      const answer = document.querySelector<HTMLButtonElement>('[role=dialog] .brand');
      if (!answer) return;
      answer.click();
      Object.assign(window, { early: 1 });
    }).observe(document.body, { subtree: true, childList: true });
  });
  await ringsWhile(async () => {
    await bob.key('Enter');
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await bob.evaluate(() => (window as unknown as { early: number }).early)).toBe(1);
  });
  // Whoever writes goes on writing.
  await bob.click('//input[ancestor::label[contains(., "Find somebody")]]');
  await ringsWhile(async () => {
    await bob.type('al');
    expect(await bob.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe('al');
  });
}

async function saysWhatDevicesDoNot(journey: Journey): Promise<void> {
  const [alice, bob] = await two(journey, 'alice', 'bob');
  await refuseCamera(alice);
  await dialFrom(alice, 'bob');
  await press(bob, 'Answer', 'dialog');
  const trouble = 'The others do not see you: this page may not use the camera.';
  await says(alice, trouble);
  await says(bob, 'has no camera');
  await mark(bob);
  await eventually('sound alone', async () => (await arrivedSince(bob)).sound > 10);
  expect((await arrivedSince(bob)).frames).toBe(0);
  await releaseDevices(alice);
  await press(alice, 'Try the camera again');
  await saysNoMore(alice, trouble);
  await hasMedia(bob);
  await press(bob, 'Microphone', 'toolbar');
  await says(alice, 'muted:');
  await press(bob, 'Hang up', 'toolbar');
  await says(alice, 'bob hung up');
}

async function closesItsWindowAndTakesOver(journey: Journey): Promise<void> {
  const [alice, bob] = await two(journey, 'alice', 'bob');
  await callBetween(alice, bob, 'bob');
  await alice.close();
  await says(bob, 'left, may come back', 3000);
  const [desk] = await Promise.all([journey.open('alice')]);
  await press(desk, 'Take it over here', 'call-bar');
  await connected(desk);
  await Promise.all([desk, bob].map(hasMedia));
  // Another browser takes it over from one that is in it.
  const other = await journey.openOther('alice');
  await press(other, 'Take it over here', 'call-bar');
  await says(desk, 'You answered on another device');
  expect(await liveTracks(desk)).toBe(0);
  await hasMedia(bob);
  await press(bob, 'Hang up', 'toolbar');
  await says(other, 'bob hung up');
}

async function saysItInWords({ open }: Journey): Promise<void> {
  const alice = await open('alice');
  const callBy = async (written: string) => {
    await alice.click('//input[ancestor::label[contains(., "Find somebody")]]');
    await alice.evaluate(() => document.querySelector('input')?.select());
    await alice.type(written);
    await alice.key('Enter');
  };
  await callBy('alice');
  await says(alice, 'That is you: nobody can call oneself');
  await callBy('no-such-person');
  await says(alice, 'Nobody here is called no-such-person');
  await callBy('bob,carol');
  await says(alice, 'Nobody here is called bob,carol');
}

/** What the phone in the page does, in each browser: each begins with nobody signed in. */
export const journeys: Record<string, (journey: Journey) => Promise<void>> = {
  'it rings, shows a call under way and tells its end on every page, in the title, and by a notification': ringsOnEveryPage,
  'a reload comes back into the call with sound and picture, and as switched': comesBackAfterAReload,
  'what is switched off while the browser asks is not sent, and what comes does not wait': sendsNothingThatTheButtonsDeny,
  'a dial is shown at once, and taken back at once': showsADialAtOnceAndTakesItBack,
  'no key answers that was meant for something else': answersNothingByAStrayKey,
  'a camera that may not be used is said in own words and tried again; the others see who has none': saysWhatDevicesDoNot,
  'who closes the window may come back, and another device takes the call over': closesItsWindowAndTakesOver,
  'calling oneself, nobody, or two at once by a comma is answered in words': saysItInWords,
};
