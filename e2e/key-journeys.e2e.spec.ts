/*
 * The page is used by keys alone, and without being seen: the focus is always somewhere, and what happens is announced. In Chromium, and in
 * Firefox (`npm run check:long`).
 */
import { inEachBrowser } from './each-browser.js';
import { journeys } from './key-journeys.js';

inEachBrowser(journeys);
