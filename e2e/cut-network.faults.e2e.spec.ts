/*
 * The network of somebody in a call is gone, with real packets and no word of it: both pages say so within three seconds, the call is
 * back by itself within two once the network is, and hanging up needs none.
 */
import { Browsers, eventually, FarNetwork, Fleet, Phones, type TestApp } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, expect, test } from 'vitest';
import { answer, arrivedAt, connected, dial, expectMediaBothWays, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
const phones = new Phones(fleet);
const lacks = FarNetwork.whyNot();
const stage = (page: Page) => page.getByRole('region', { name: 'Current call' });

afterEach(() => {
  phones.closeAll();
  return browsers.closeAll();
});
afterAll(() => browsers.quit());

/** Notes from now on when a call's page first says that somebody is reconnecting, by the clock of this machine. */
function noteReconnecting(page: Page): Promise<void> {
  return page.evaluate(() => {
    const noted: { at?: number } = {};
    Object.assign(window, { reconnecting: noted });
    const look = () => {
      if (document.querySelector('.stage')?.textContent?.includes('Reconnecting…')) noted.at ??= Date.now();
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
}

const reconnectingAt = (page: Page): Promise<number> =>
  eventually('the page saying that somebody is reconnecting', () =>
    page.evaluate(() => (window as unknown as { reconnecting: { at?: number } }).reconnecting.at),
  );

/** Whether a page shows the call as whole, with another picture than there was of it so far, and sound. */
async function isBack(page: Page, framesBefore: number): Promise<boolean> {
  const { framesDecoded, audioPackets } = await arrivedAt(page);
  const told = await stage(page).textContent();
  return (
    framesDecoded > 0 && framesDecoded !== framesBefore && audioPackets > 0 && !/Reconnecting|may come back|is joining/.test(told ?? '')
  );
}

/**
 * The fleet of these tests takes whoever has no socket out of a call after seconds, instead of half a minute: another socket of the same
 * device, that stays here, has it wait.
 */
async function keepDeviceOf(page: Page, app: TestApp, userAlias: string): Promise<void> {
  const deviceId = await page.evaluate(() => sessionStorage.getItem('communication-center.pageDevice'));
  await phones.connect(app, userAlias, { deviceId: deviceId ?? '' });
}

test.skipIf(lacks !== undefined)(
  `a network that is gone is told on both pages, and the call is back with it; Hang up needs none${lacks ? ` (skipped: ${lacks})` : ''}`,
  async () => {
    const doors = [fleet.url, ...fleet.replicasOf('media').map((name) => `ws://127.0.0.1:${fleet.state.ports[name]}`)];
    const network = await FarNetwork.open(doors.map((url) => Number(new URL(url).port)));
    const far = new Browsers(network.browser);
    try {
      const app = await fleet.makeApp();
      const [alice, bob] = await Promise.all([pageOf(far, fleet, app, 'alice'), pageOf(browsers, fleet, app, 'bob')]);
      await dial(alice, 'bob');
      await answer(bob);
      await Promise.all([alice, bob].map(connected));
      await expectMediaBothWays([alice, bob]);
      await keepDeviceOf(alice, app, 'alice');
      await Promise.all([alice, bob].map(noteReconnecting));

      const cutAt = Date.now();
      network.cut();
      for (const page of [alice, bob]) expect((await reconnectingAt(page)) - cutAt).toBeLessThan(3000);
      await new Promise((resolve) => setTimeout(resolve, 20_000 - (Date.now() - cutAt)));
      await stage(alice).getByText('Reconnecting…').first().waitFor({ timeout: 100 });
      const before = await Promise.all([alice, bob].map(arrivedAt));
      const healedAt = Date.now();
      network.heal();
      const took = await Promise.all(
        [alice, bob].map(async (page, which) => {
          await eventually('sound and picture being back', () => isBack(page, before[which]?.framesDecoded ?? 0), 15_000);
          return Date.now() - healedAt;
        }),
      );
      expect(Math.max(...took), `${took.join(' and ')} ms`).toBeLessThan(2000);

      await Promise.all([alice, bob].map(noteReconnecting));
      network.cut();
      await reconnectingAt(alice);
      await alice.getByRole('toolbar').getByRole('button', { name: 'Hang up' }).click();
      await alice.getByText('You hung up: the call with bob is over').waitFor({ timeout: 1000 });
      expect(await stage(alice).count()).toBe(0);
      expect(await stage(bob).count()).toBe(1);
      network.heal();
      await bob.getByText('alice hung up', { exact: true }).waitFor({ timeout: 10_000 });
    } finally {
      await far.quit();
      await network.close();
    }
  },
  120_000,
);
