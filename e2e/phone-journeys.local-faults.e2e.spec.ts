/*
 * The phone in the page never rings unseen, sends nothing that its buttons deny, and says what it cannot do: in Chromium, and in Firefox
 * (all of it in `npm run check:long`).
 */
import { inEachBrowser } from './each-browser.js';
import { journeys } from './phone-journeys.js';

inEachBrowser(journeys);
