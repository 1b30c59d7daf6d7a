/*
 * While nobody calls: whom one can call, who called, and who is where. In Chromium, and in Firefox (`npm run check:long`).
 */
import { inEachBrowser } from './each-browser.js';
import { journeys } from './wall-journeys.js';

inEachBrowser(journeys);
