/*
 * Somebody in Firefox and somebody in Chromium call each other: what one sends the other shows, and both are told why it ended.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Browsers, eventually, Fleet } from '@communication-center/testing';
import type { AxeResults } from 'axe-core';
import type { Page } from 'puppeteer-core';
import { afterAll, expect, test } from 'vitest';
import { Firefox, firefoxPath } from './firefox.js';
import { answer, connected, dial, expectMediaBothWays, hangUp, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
const firefox = new Firefox();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

afterAll(() => Promise.all([browsers.quit(), firefox.quit()]));

async function press(page: Page, name: string): Promise<void> {
  const button = await page.waitForSelector(`::-p-xpath(//button[normalize-space()="${name}" or @aria-label="${name}"])`, {
    visible: true,
  });
  await button?.click();
}
const says = (page: Page, text: string) =>
  eventually(`the page saying ${text}`, () => page.evaluate((said) => document.body.textContent.includes(said), text), 20_000);

/** How far the picture of the other has come: undefined while there is none. */
const pictureOf = (page: Page) =>
  page.evaluate(() => {
    const video = document.querySelector<HTMLVideoElement>('.tiles video:not(.no-picture)');
    return video ? { time: video.currentTime, width: video.videoWidth } : undefined;
  });

async function faultsIn(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: { run: (given: object) => Promise<AxeResults> } }).axe.run({ resultTypes: ['violations'] }),
  );
  return violations.map(({ id, nodes }) => `${id} at ${nodes.map(({ html }) => html.slice(0, 160)).join(' and ')}`);
}

const lacks = firefoxPath ? '' : ' (skipped: no Firefox is installed; Debian: apt-get install firefox-esr, or set FIREFOX to its path)';

test.skipIf(!firefoxPath)(
  `Firefox and Chromium call each other both ways${lacks}`,
  async () => {
    const app = await fleet.makeApp();
    const [anna, bob] = await Promise.all([firefox.page(`${fleet.url}/?app=${app.appId}&alias=anna`), pageOf(browsers, fleet, app, 'bob')]);
    expect(await faultsIn(anna)).toEqual([]);
    await press(anna, 'Sign in');
    await says(anna, 'Find somebody');
    await press(anna, 'Call bob');
    await answer(bob);
    await connected(bob);
    const first = await eventually(
      'a picture in Firefox',
      async () => {
        const picture = await pictureOf(anna);
        return picture !== undefined && picture.width > 0 && picture;
      },
      20_000,
    );
    await eventually('the picture going on', async () => ((await pictureOf(anna))?.time ?? 0) > first.time + 1);
    await expectMediaBothWays([bob]);
    expect(await faultsIn(anna)).toEqual([]);
    await press(anna, 'Hang up');
    await bob.getByText('anna hung up', { exact: true }).waitFor();

    await dial(bob, 'anna');
    await says(anna, 'wants to talk with video');
    expect(await faultsIn(anna)).toEqual([]);
    await press(anna, 'Answer');
    await connected(bob);
    await expectMediaBothWays([bob]);
    await hangUp(bob, [], 'bob');
    await says(anna, 'bob hung up');
  },
  90_000,
);
