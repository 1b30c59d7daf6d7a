import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Browsers, Fleet, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeEach, describe, test } from 'vitest';
import { type ConsolePage, consoleOf } from './console-page.js';
import { Firefox, firefoxPath } from './firefox.js';

/** What pages showed when a journey failed. */
const seen = join(import.meta.dirname, '../.run/test/seen');

/** Where a journey is made: the page it is about is in the browser that is tried, the other one in Chromium. */
export interface Journey {
  fleet: Fleet;
  app: TestApp;
  /** As the wall names the browser that is tried. */
  browser: 'Chrome' | 'Firefox';
  open(userAlias: string): Promise<ConsolePage>;
  openOther(userAlias: string): Promise<ConsolePage>;
}

/** Opens a page for somebody in the browser that is tried, and one for somebody else in the other. */
export const two = ({ open, openOther }: Journey, mine: string, theirs: string): Promise<[ConsolePage, ConsolePage]> =>
  Promise.all([open(mine), openOther(theirs)]);

interface Wishes {
  /** Those that Chromium makes, too, only where every browser is asked for. */
  more?: Record<string, (journey: Journey) => Promise<void>>;
  /** Options of the app of each journey. */
  options?: NonNullable<Parameters<Fleet['makeApp']>[0]>['options'];
  /** One with a screen, or a taste, of its own. */
  firefox?: Firefox;
  /** What Firefox lacks for these journeys, and where it comes from; empty when it lacks nothing. */
  lacks?: string;
}

/**
 * Has each browser make journeys, each with an app of its own and nobody signed in: Chromium always, Firefox where `EACH_BROWSER` asks
 * for it, as `npm run check:long` does.
 */
export function inEachBrowser(
  journeys: Record<string, (journey: Journey) => Promise<void>>,
  { more = {}, options = {}, firefox = new Firefox(), lacks = '' }: Wishes = {},
): void {
  const fleet = new Fleet();
  const chromium = new Browsers();
  const open: ConsolePage[] = [];
  let app: TestApp;

  beforeEach(async () => {
    app = await fleet.makeApp({ options });
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') {
      mkdirSync(seen, { recursive: true });
      for (const [index, page] of open.entries()) await page.shoot(join(seen, `page-${index + 1}-${task.id}.png`)).catch(() => undefined);
    }
    await Promise.all(open.splice(0).map((page) => page.close().catch(() => undefined)));
  });
  afterAll(() => Promise.all([chromium.quit(), firefox.quit()]));

  const opens = (browser: Browsers | Firefox) => async (userAlias: string) => {
    const page = await consoleOf(browser, fleet, app, userAlias);
    open.push(page);
    return page;
  };
  const all = Object.entries({ ...journeys, ...(process.env.EACH_BROWSER ? more : {}) });
  describe('in Chromium', () => {
    test.for(all)('%s', ([, make]) => make({ fleet, app, browser: 'Chrome', open: opens(chromium), openOther: opens(chromium) }));
  });
  const whyNot = whyNoFirefox(lacks);
  describe.skipIf(whyNot)(`in Firefox${whyNot && ` (skipped: ${whyNot})`}`, () => {
    test.for(all)('%s', ([, make]) => make({ fleet, app, browser: 'Firefox', open: opens(firefox), openOther: opens(chromium) }));
  });
}

/** @returns why nothing is tried in Firefox here; empty when it is. */
export function whyNoFirefox(lacks = ''): string {
  if (!firefoxPath) return 'no Firefox is installed; Debian: apt-get install firefox-esr, or set FIREFOX to its path';
  return lacks || (process.env.EACH_BROWSER ? '' : 'npm run check:long makes these');
}
