import { eventually } from '@communication-center/testing';
import { expect } from 'vitest';
import { type ConsolePage, connected, dialFrom, press, says, saysNoMore } from './console-page.js';
import { boxesOf, fitsItsWidth, rowOf, rowsOf, textsOf } from './console-sight.js';
import { type Journey, two } from './each-browser.js';

/** Ids of calls and devices, which nobody reads. */
const anId = /[0-9a-f]{8}/;

/** Writes into a field of the page, in place of what is there. */
async function write(page: ConsolePage, label: string, text: string): Promise<void> {
  await page.click(`//label[contains(., "${label}")]//input`);
  await page.evaluate(() => (document.activeElement as HTMLInputElement).select());
  if (text) await page.type(text);
  else await page.key('Backspace');
}

async function showsWhoIsWhere(journey: Journey): Promise<void> {
  const { fleet, app, browser, open, openOther } = journey;
  await fleet.makeUser(app, 'absent', { name: 'Aaron Absent' });
  const [alice, bob, carol] = await Promise.all([openOther('alice'), openOther('bob'), open('carol')]);
  await press(carol, 'People', 'nav');
  await rowOf(carol, 'bob', ([, status]) => status === 'online');
  await says(carol, '3 of 4 people are here');
  await rowOf(carol, 'Aaron Absent', ([, status]) => status === 'offline');
  expect((await rowsOf(carol)).at(-1)?.[0], 'who is here comes first').toBe('Aaron Absent');
  await dialFrom(alice, 'bob');
  await rowOf(carol, 'bob', ([, , withWhom]) => withWhom === 'is called by alice');
  await press(bob, 'Answer', 'dialog');
  const [, status, , on, since] = await rowOf(carol, 'alice', ([, , withWhom]) => withWhom === 'talks with bob');
  expect([status, on]).toEqual(['busy', 'Chrome on Linux']);
  expect(since).toMatch(/^\d?\d:\d\d/);
  await rowOf(carol, 'carol', ([, , , device]) => device === `${browser} on Linux`);
  await write(carol, 'Find a person', 'bob');
  await eventually('only the two of them being shown', async () => (await rowsOf(carol)).length === 2);
  await write(carol, 'Find a person', '');
  await eventually('all of them being shown', async () => (await rowsOf(carol)).length === 4);
  await press(carol, 'Status');
  await eventually('rows in the order of their status', async () => {
    const statuses = (await rowsOf(carol)).map(([, one]) => one ?? '');
    return statuses.length === 4 && statuses.join() === statuses.toSorted().join();
  });
  expect((await textsOf(carol, '#main')).join()).not.toMatch(anId);
  await press(carol, 'Devices', 'nav');
  await says(carol, '3 devices are connected');
  const busy = async () => (await rowsOf(carol)).filter(([, , one]) => one === 'busy').length;
  await eventually('two devices being busy', async () => (await busy()) === 2);
  const devices = (await rowsOf(carol)).map(([who, device]) => `${who}: ${device}`);
  expect(devices).toEqual(['alice: Chrome on Linux', 'bob: Chrome on Linux', `carol: ${browser} on Linux`]);
  expect((await textsOf(carol, '#main')).join()).not.toMatch(anId);
  for (const width of [360, 1280]) {
    await carol.resize(width, 800);
    expect(await fitsItsWidth(carol)).toBe(true);
  }
  await press(bob, 'Hang up', 'toolbar');
  await eventually('nobody being busy', async () => (await busy()) === 0);
}

const history = (page: ConsolePage) => textsOf(page, '[aria-label="Recent calls"] .who > span:first-child');

async function beginsWithPeopleAndTellsCallsInWords(journey: Journey): Promise<void> {
  const { fleet, app } = journey;
  await fleet.makeUser(app, 'absent', { name: 'Aaron Absent' });
  const [alice, bob] = await two(journey, 'alice', 'bob');
  await alice.resize(390, 800);
  const listed = () => textsOf(alice, '[aria-label="Whom to call"] li .who');
  await eventually('people, who is here first', async () => (await listed()).join() === 'bob online,Aaron Absent offline');
  const calls = await boxesOf(alice, '[aria-label="Whom to call"] li .button.brand');
  expect(calls.map(({ width, height }) => width >= 44 && height >= 44)).toEqual([true, true]);
  expect(await fitsItsWidth(alice)).toBe(true);

  await press(alice, 'Call bob');
  await press(bob, 'Decline with a reason', 'dialog');
  await press(bob, 'I am busy', 'dialog');
  await says(alice, 'bob declined: is busy');
  await says(bob, 'You declined the call from alice');
  await press(alice, 'Call bob');
  await says(bob, 'wants to talk with video');
  await press(alice, 'Cancel', 'toolbar');
  await saysNoMore(bob, 'wants to talk');
  await press(alice, 'Call bob');
  await press(bob, 'Answer', 'dialog');
  await connected(alice);
  await new Promise((resolve) => setTimeout(resolve, 2100));
  await press(bob, 'Hang up', 'toolbar');
  const mine = ['You called bob', 'You cancelled a call to bob', 'bob declined: is busy'];
  await eventually('the calls in words', async () => (await history(alice)).slice(0, 3).join() === mine.join());
  const theirs = ['alice called you', 'Missed call from alice', 'You declined a call from alice'];
  await eventually('the same calls as the other had them', async () => (await history(bob)).slice(0, 3).join() === theirs.join());
  const firstOf = async () => (await textsOf(alice, '[aria-label="Recent calls"] .who'))[0] ?? '';
  await eventually('how long they talked', async () => / · 0:0\d$/.test(await firstOf()));
  expect((await textsOf(alice, '#main')).join()).not.toMatch(anId);
  await alice.click('//button[@aria-label="Details: bob declined: is busy"]');
  await says(alice, 'bob · busy');
  expect(await fitsItsWidth(alice)).toBe(true);
}

/** What is to be seen while one is in no call, in each browser. */
export const journeys: Record<string, (journey: Journey) => Promise<void>> = {
  'the wall shows who is where, since when and with whom, who is here first, live; it is sorted and searched; devices are named as people name them':
    showsWhoIsWhere,
  'the page begins with people, their presence and a button to call each, and tells past calls in words':
    beginsWithPeopleAndTellsCallsInWords,
};
