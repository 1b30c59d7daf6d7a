/*
 * The network of somebody in a call is gone, with real packets and no word of it: both pages say so within three seconds, the call is
 * back by itself, with sound and picture, within two seconds once the network is, and hanging up needs none. Calls wait for devices as long as they are shipped to (`--as-shipped calls`).
 */
import { Browsers, eventually, FarNetwork, Fleet } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';
import { arrivedSince, type ConsolePage, callBetween, consoleOf, isSaid, liveTracks, mark, press, says } from './console-page.js';
import { Firefox, firefoxPath } from './firefox.js';

const fleet = new Fleet();
const here = new Browsers();
const noNetwork = FarNetwork.whyNot();

afterAll(() => here.quit());

/** Notes when a page first says that somebody is reconnecting, by the clock of this machine. */
const noteReconnecting = (page: ConsolePage): Promise<void> =>
  page.evaluate(() => {
    const noted: { at?: number } = {};
    Object.assign(window, { reconnecting: noted });
    const look = () => {
      if (document.querySelector('.stage')?.textContent?.includes('Reconnecting…')) noted.at ??= Date.now();
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  });

const reconnectingAt = (page: ConsolePage): Promise<number> =>
  eventually('the page saying that somebody is reconnecting', () =>
    page.evaluate(() => (window as unknown as { reconnecting: { at?: number } }).reconnecting.at),
  );

/** Whether a page shows the call as whole, with sound and picture since the mark. */
async function isBack(page: ConsolePage): Promise<boolean> {
  const told = await page.evaluate(() => document.querySelector('.stage')?.textContent ?? '');
  if (!told.includes('Connected') || /Reconnecting|may come back|is joining/.test(told)) return false;
  const { frames, sound } = await arrivedSince(page);
  return frames > 0 && sound > 0;
}

interface Far {
  browser: Browsers | Firefox;
  network: FarNetwork;
}

async function loseAndFind({ browser, network }: Far): Promise<void> {
  const app = await fleet.makeApp();
  const [alice, bob] = await Promise.all([consoleOf(browser, fleet, app, 'alice'), consoleOf(here, fleet, app, 'bob')]);
  await callBetween(alice, bob, 'bob');
  await Promise.all([alice, bob].map(noteReconnecting));

  const cutAt = Date.now();
  network.cut();
  const told = [];
  for (const page of [alice, bob]) told.push((await reconnectingAt(page)) - cutAt);
  expect(Math.max(...told), `told after ${told.join(' and ')} ms`).toBeLessThan(3000);
  await new Promise((resolve) => setTimeout(resolve, 20_000 - (Date.now() - cutAt)));
  expect(await isSaid(alice, 'Reconnecting…')).toBe(true);
  await Promise.all([alice, bob].map(mark));
  const healedAt = Date.now();
  network.heal();
  const back = await Promise.all(
    [alice, bob].map(async (page) => {
      await eventually('sound and picture being back', () => isBack(page), 30_000);
      return Date.now() - healedAt;
    }),
  );
  expect(Math.max(...back), `back after ${back.join(' and ')} ms`).toBeLessThan(2000);

  await Promise.all([alice, bob].map(noteReconnecting));
  network.cut();
  await reconnectingAt(alice);
  await press(alice, 'Hang up', 'toolbar');
  await says(alice, 'You hung up: the call with bob is over', 500);
  expect(await liveTracks(alice)).toBe(0);
  expect(await isSaid(bob, 'Hang up')).toBe(true);
  network.heal();
  await says(bob, 'alice hung up');
}

const far = {
  Chromium: (network: FarNetwork) => new Browsers((program) => network.within(program)),
  Firefox: (network: FarNetwork) => new Firefox({ network }),
};

test.for(['Chromium', 'Firefox'] as const)(
  `a network that is gone is told on both pages, and the call is back with it; Hang up needs none: %s${noNetwork ? ` (skipped: ${noNetwork})` : ''}`,
  { timeout: 120_000, skip: noNetwork !== undefined, concurrent: true },
  async (name, { skip }) => {
    if (name === 'Firefox' && !firefoxPath) skip('no Firefox is installed');
    if (!process.env.EACH_BROWSER) skip('npm run check:long cuts the network, of Chromium and of Firefox');
    const doors = [fleet.url, ...fleet.replicasOf('media').map((one) => `ws://127.0.0.1:${fleet.state.ports[one]}`)];
    const network = FarNetwork.open(doors.map((url) => Number(new URL(url).port)));
    const browser = far[name](network);
    try {
      await loseAndFind({ browser, network });
    } finally {
      await browser.quit();
      network.close();
    }
  },
);
