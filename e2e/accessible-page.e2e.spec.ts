/*
 * Everybody can use the page: axe finds nothing against WCAG 2.2 AA in any of its states, light and dark, on the width of a phone and of a
 * desk, and nothing is wider than the page. In Chromium, and in Firefox (`npm run check:long`).
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Browsers, Fleet, Phones, type TestApp } from '@communication-center/testing';
import type { AxeResults, RunOptions } from 'axe-core';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ColorScheme, type ConsolePage, consoleOf } from './console-page.js';
import { whyNoFirefox } from './each-browser.js';
import { Firefox } from './firefox.js';
import { throughEveryState } from './page-states.js';

const fleet = new Fleet();
const phones = new Phones(fleet);
const chromium = new Browsers();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/**
 * What is dark differs from what is light in its colours alone, and what is wide from what is narrow in sizes: the elements are the same.
 * Colours on the wide page, which are those of the narrow one, are judged with EVERY_LOOK (npm run check:long): it is the slowest rule.
 */
const ofColours = ['color-contrast'];
const ofSizes = ['target-size', 'scrollable-region-focusable'];
const everyLook = process.env.EVERY_LOOK !== undefined;
const withoutColours = Object.fromEntries(ofColours.map((rule) => [rule, { enabled: false }]));
/** Between them these have nearly every colour of the page: with EVERY_LOOK those of each state are judged. */
const judgedForColours = new Set(['spoilt', 'ringing', 'in a call, sharing a screen', 'who is here, in a call']);

interface Look {
  width: number;
  colorScheme: ColorScheme;
  /** All of them where it is undefined. */
  rules?: string[];
}

const looksInChromium: Look[] = [
  { width: 360, colorScheme: 'light' },
  { width: 360, colorScheme: 'dark', rules: ofColours },
  { width: 1280, colorScheme: 'light', rules: everyLook ? [...ofSizes, ...ofColours] : ofSizes },
  ...(everyLook ? [{ width: 1280, colorScheme: 'dark' as const, rules: ofColours }] : []),
];
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp();
});
afterEach(async () => {
  phones.closeAll();
  await chromium.closeAll();
});
afterAll(() => chromium.quit());

/** @returns what is against the rules in a state of the page. */
async function faultsOf(page: ConsolePage, state: string, looks: readonly Look[]): Promise<string[]> {
  await page.run(axe);
  const faults: string[] = [];
  for (const { width, colorScheme, rules } of looks) {
    const judgesColours = everyLook || judgedForColours.has(state);
    if (colorScheme === 'dark' && !judgesColours) continue;
    await page.resize(width, 800);
    await page.like(colorScheme);
    const where = `${state}, ${colorScheme}, ${width} px`;
    // A page that does nothing else for seconds is taken for gone: so a few rules at a time.
    const sets: RunOptions['runOnly'][] = rules ? rules.map((rule) => ({ type: 'rule', values: [rule] })) : standards;
    for (const runOnly of sets) {
      const options: RunOptions = { runOnly, resultTypes: ['violations'], ...(!judgesColours && !rules && { rules: withoutColours }) };
      const { violations } = await page.evaluate(
        (how) => (window as unknown as { axe: { run: (given: RunOptions) => Promise<AxeResults> } }).axe.run(how),
        options,
      );
      for (const { id, nodes } of violations)
        faults.push(`${where}: ${id} at ${nodes.map(({ html }) => html.slice(0, 160)).join(' and ')}`);
    }
    if (await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)) faults.push(`${where}: wider than the page`);
  }
  return faults;
}

type Opens = (userAlias: string) => Promise<ConsolePage>;

async function expectNoFault(open: Opens, browser: 'Chrome' | 'Firefox', looks: readonly Look[]): Promise<void> {
  const faults: string[] = [];
  const states = new Set<string>();
  await throughEveryState({ fleet, app, browser, open, openOther: open }, phones, async (page, state) => {
    states.add(state);
    faults.push(...(await faultsOf(page, state, looks)));
  });
  expect(faults).toEqual([]);
  expect(states.size).toBe(10);
}

/** What is wrong in a page is found: a button without a name, words too pale on either ground, and what is wider than the page. */
async function expectFaults(open: Opens, looks: readonly Look[]): Promise<void> {
  const page = await open('alice');
  await page.evaluate(() => {
    const button = document.createElement('button');
    button.style.width = '400px';
    const pale = document.createElement('p');
    pale.textContent = 'pale';
    pale.style.cssText = 'color: #808080; background: #777';
    document.querySelector('main')?.append(button, pale);
  });
  const faults = await faultsOf(page, 'spoilt', looks);
  const found = (what: string) => faults.filter((fault) => fault.includes(what)).length;
  expect(found('button-name')).toBe(looks.filter(({ rules }) => rules === undefined).length);
  expect(found('color-contrast')).toBe(looks.filter(({ rules = ofColours }) => rules.includes('color-contrast')).length);
  expect(found('wider than the page')).toBe(looks.filter(({ width }) => width === 360).length);
}

describe('in Chromium', () => {
  const open: Opens = (userAlias) => consoleOf(chromium, fleet, app, userAlias);
  test(
    'axe finds nothing in any state of the page, light and dark, on the width of a phone and of a desk',
    () => expectNoFault(open, 'Chrome', looksInChromium),
    180_000,
  );
  test('axe finds a button without a name, words too pale on either ground, and what is wider than the page', () =>
    expectFaults(open, looksInChromium));
});

const whyNot = whyNoFirefox();
/** Each Firefox is told as it starts what its user likes. */
describe.skipIf(whyNot).for(['light', 'dark'] as const)(`in Firefox, %s${whyNot && ` (skipped: ${whyNot})`}`, (colorScheme) => {
  const firefox = new Firefox({ colorScheme });
  const looks = [360, 1280].map((width) => ({ width, colorScheme }));
  const pages: ConsolePage[] = [];
  const open: Opens = async (userAlias) => {
    const page = await consoleOf(firefox, fleet, app, userAlias);
    pages.push(page);
    return page;
  };
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.close().catch(() => undefined)));
  });
  afterAll(() => firefox.quit());

  test(
    'axe finds nothing in any state of the page, on the width of a phone and of a desk',
    () => expectNoFault(open, 'Firefox', looks),
    240_000,
  );
  test('axe finds a button without a name, words too pale, and what is wider than the page', () => expectFaults(open, looks));
});
