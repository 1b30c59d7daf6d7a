/*
 * Who shares a screen is seen with it beside the camera, until the page or the browser stops it: from Chromium, whose headless screen is a
 * fake one, and from Firefox (`npm run check:long`), which shares what X11 shows. Decoded frames are counted.
 */
import { afterAll } from 'vitest';
import { inEachBrowser } from './each-browser.js';
import { Firefox } from './firefox.js';
import { ScreenInMemory } from './screen-in-memory.js';
import { journeys, moreJourneys } from './screen-journeys.js';

const screen = new ScreenInMemory();
afterAll(() => screen.stop());

inEachBrowser(journeys, { more: moreJourneys, firefox: new Firefox({ screen }), lacks: ScreenInMemory.whyNot() });
