import { eventually } from '@communication-center/testing';
import { expect } from 'vitest';
import { type ConsolePage, connected, dialFrom, isSaid, press, says, saysNoMore } from './console-page.js';
import { fitsItsWidth, focused, pressByKey, tabTo } from './console-sight.js';
import { type Journey, two } from './each-browser.js';

/** Notes each time that the focus lies on the body for as long as a key is pressed, once it was somewhere else. */
const watchFocus = (page: ConsolePage): Promise<void> =>
  page.evaluate(() => {
    const lost: string[] = [];
    let last: Element | null = null;
    let times = 0;
    const look = () => {
      const active = document.activeElement;
      times = active === document.body ? times + 1 : 0;
      if (times === 0) last = active;
      if (times === 2 && last) lost.push(last.outerHTML.slice(0, 120));
    };
    setInterval(look, 40);
    Object.assign(window, { lost });
  });

const lostFrom = (page: ConsolePage) => page.evaluate(() => (window as unknown as { lost: string[] }).lost);

/** Readers of the screen tell what comes into a region that was there before: notes which regions are, and what comes. */
const listen = (page: ConsolePage): Promise<void> =>
  page.evaluate(() => {
    const told: string[] = [];
    const regions = [...document.querySelectorAll('[role=alert], [role=status]')];
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        const region = regions.find((one) => one.contains(target));
        if (region?.textContent.trim()) told.push(`${region.role ?? region.getAttribute('role')}: ${region.textContent.trim()}`);
      }
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
    Object.assign(window, { told });
  });

const toldOn = (page: ConsolePage) => page.evaluate(() => (window as unknown as { told: string[] }).told);

async function worksByKeysAlone(journey: Journey): Promise<void> {
  const [alice, bob] = await two(journey, 'alice', 'bob');
  await alice.resize(390, 800);
  await watchFocus(alice);
  // Out: dialed, looked at, cancelled.
  await pressByKey(alice, 'Call bob');
  await says(alice, 'Cancel');
  await pressByKey(alice, 'Cancel');
  await says(alice, 'You cancelled the call');
  expect(await focused(alice)).toBeDefined();
  // In a call: sheets take the focus, Escape gives it back; the next key begins where something is.
  await pressByKey(alice, 'Call bob', ' ');
  await press(bob, 'Answer', 'dialog');
  await connected(alice);
  await pressByKey(alice, 'Microphone');
  await says(bob, 'muted:');
  for (const name of ['Devices', 'People'] as const) {
    await pressByKey(alice, 'More');
    await alice.key('Escape');
    expect(await focused(alice)).toBe('More');
    await alice.evaluate((label) => {
      const named = [...document.querySelectorAll<HTMLElement>('[role=toolbar] button')].find((one) => one.textContent === label);
      named?.focus();
    }, name);
    await alice.key('Enter');
    await eventually('the focus on the sheet', () => alice.evaluate(() => document.activeElement?.matches('.sheet h2')));
    await alice.key('Escape');
    await eventually('the focus back', async () => (await focused(alice)) === name);
  }
  expect(await fitsItsWidth(alice)).toBe(true);
  await pressByKey(alice, 'Hang up');
  await says(bob, 'alice hung up');
  await says(alice, 'You hung up');
  // The other ends one.
  await pressByKey(alice, 'Call bob');
  await press(bob, 'Answer', 'dialog');
  await connected(alice);
  await press(bob, 'Hang up', 'toolbar');
  await says(alice, 'bob hung up');
  await pressByKey(alice, 'Details: You called bob', ' ');
  await says(alice, 'call.ended');
  expect(await focused(alice)).toBe('Details: You called bob');
  expect(await lostFrom(alice), 'the focus never falls to the body').toEqual([]);
}

async function announcesARing(journey: Journey): Promise<void> {
  const [bob, alice] = await two(journey, 'bob', 'alice');
  await bob.resize(390, 800);
  await listen(bob);
  await watchFocus(bob);
  // Whoever writes goes on writing, and hears of it.
  await bob.click('//label[contains(., "Find somebody")]//input');
  await dialFrom(alice, 'bob');
  await says(bob, 'wants to talk with video');
  expect(await toldOn(bob)).toContain('alert: alice is calling');
  await bob.type('al');
  await bob.key('Escape');
  expect(await bob.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe('al');
  expect(await isSaid(bob, 'Escape silences it')).toBe(true);
  await press(alice, 'Cancel', 'toolbar');
  await saysNoMore(bob, 'wants to talk');
  await eventually('the end being announced', async () =>
    (await toldOn(bob)).some((text) => text.startsWith('status:') && text.includes('Missed call from alice')),
  );

  // Whoever does not has the focus on the answer; Escape gives it back.
  await tabTo(bob, 'Call alice');
  await dialFrom(alice, 'bob');
  await eventually('the focus on Answer', async () => (await focused(bob)) === 'Answer');
  // No key acts in the first moment.
  await new Promise((resolve) => setTimeout(resolve, 700));
  await bob.key('Escape');
  await says(bob, 'Silent on this device');
  expect(await focused(bob)).toBe('Call alice');
  await pressByKey(bob, 'Answer');
  await connected(alice);
  await eventually('the focus on the call', () =>
    bob.evaluate(() => (document.activeElement?.className ?? '').includes('stage') || document.activeElement?.closest('.stage') !== null),
  );
  await press(alice, 'Hang up', 'toolbar');
  await eventually('the end being announced', async () =>
    (await toldOn(bob)).some((text) => text.startsWith('status:') && text.includes('alice hung up')),
  );
  expect(await lostFrom(bob), 'the focus never falls to the body').toEqual([]);
}

/** What the page is to those who use no mouse, or do not see it, in each browser. */
export const journeys: Record<string, (journey: Journey) => Promise<void>> = {
  'the phone works by keys alone, and the focus never falls to the body': worksByKeysAlone,
  'a ring is announced, takes the focus from nobody who writes, and gives it back; its end is announced': announcesARing,
};
