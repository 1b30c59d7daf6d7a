/*
 * The phone in the page never rings unseen, sends nothing that its buttons deny, and says what it cannot do: in Chromium, and in Firefox
 * (all of it in `npm run check:long`).
 */
import { Browsers, Fleet } from '@communication-center/testing';
import { afterAll, afterEach, beforeEach, describe, test } from 'vitest';
import { type ConsolePage, consoleOf } from './console-page.js';
import { Firefox, firefoxPath } from './firefox.js';
import { type Journey, journeys } from './phone-journeys.js';

const fleet = new Fleet();
const chromium = new Browsers();
const firefox = new Firefox();
const open: ConsolePage[] = [];
let journey: Pick<Journey, 'app'>;

beforeEach(async () => {
  journey = { app: await fleet.makeApp() };
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((page) => page.close().catch(() => undefined)));
});
afterAll(() => Promise.all([chromium.quit(), firefox.quit()]));

const opens = (browser: Browsers | Firefox) => async (userAlias: string) => {
  const page = await consoleOf(browser, fleet, journey.app, userAlias);
  open.push(page);
  return page;
};

describe('in Chromium', () => {
  test.for(Object.entries(journeys))('%s', ([, make]) => make({ ...journey, open: opens(chromium), openOther: opens(chromium) }));
});

const whyNot = firefoxPath
  ? process.env.EACH_BROWSER
    ? ''
    : ' (skipped: npm run check:long makes these)'
  : ' (skipped: no Firefox is installed; Debian: apt-get install firefox-esr, or set FIREFOX to its path)';

describe.skipIf(whyNot)(`in Firefox${whyNot}`, () => {
  test.for(Object.entries(journeys))('%s', ([, make]) => make({ ...journey, open: opens(firefox), openOther: opens(chromium) }));
});
