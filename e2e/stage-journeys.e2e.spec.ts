/*
 * Video first: what people see of a call, and what they can do in it, with one other and with eight, on the width of a phone and of a desk:
 * in Chromium, and in Firefox (`npm run check:long`).
 */
import { inEachBrowser } from './each-browser.js';
import { journeys, moreJourneys } from './stage-journeys.js';

inEachBrowser(journeys, { more: moreJourneys, options: { maxParticipants: 9 } });
