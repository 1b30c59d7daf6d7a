/*
 * Everybody can use the page: axe finds nothing against WCAG 2.2 AA in any of its states, light and dark, on the width of a phone and of a
 * desk; nothing is wider than the page; and with nine people in a call what one can do in it is in view.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Browsers, eventually, Fleet, type Phone, Phones, ringOf, type TestApp } from '@communication-center/testing';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { answer, connected, dial, hangUp, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
const phones = new Phones(fleet);
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
const looks: { width: number; colorScheme: 'light' | 'dark'; rules: string[] | undefined }[] = [
  { width: 360, colorScheme: 'light', rules: undefined },
  { width: 360, colorScheme: 'dark', rules: ofColours },
  { width: 1280, colorScheme: 'light', rules: everyLook ? [...ofSizes, ...ofColours] : ofSizes },
  ...(everyLook ? [{ width: 1280, colorScheme: 'dark' as const, rules: ofColours }] : []),
];
/** More letters than fit into a line of a phone, without a blank to break at. */
const longName = `Wolfeschlegelsteinhausenbergerdorff${'e'.repeat(40)}`;
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { maxParticipants: 9 } });
  await fleet.makeUser(app, 'carol', { name: longName });
});

afterEach(async () => {
  phones.closeAll();
  await browsers.closeAll();
});
afterAll(() => browsers.quit());

/** @returns what is against the rules in a state of the page, in both schemes and on both widths. */
async function faultsOf(page: Page, state: string): Promise<string[]> {
  await page.evaluate(axe);
  const faults: string[] = [];
  for (const { width, colorScheme, rules } of looks) {
    if (colorScheme === 'dark' && !everyLook && !judgedForColours.has(state)) continue;
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const where = `${state}, ${colorScheme}, ${width} px`;
    // A page that does nothing else for seconds is taken for gone: so a few rules at a time.
    const sets: RunOptions['runOnly'][] = rules ? rules.map((rule) => ({ type: 'rule', values: [rule] })) : standards;
    const judgesColours = rules || everyLook || judgedForColours.has(state);
    for (const runOnly of sets) {
      const options: RunOptions = { runOnly, resultTypes: ['violations'], ...(!judgesColours && { rules: withoutColours }) };
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

test('axe finds nothing in any state of the page, light and dark, on the width of a phone and of a desk', async () => {
  const faults: string[] = [];
  const look = async (page: Page, state: string) => faults.push(...(await faultsOf(page, state)));
  const [alice, bob, carol] = await Promise.all([
    pageOf(browsers, fleet, app, 'alice'),
    pageOf(browsers, fleet, app, 'bob'),
    phones.connect(app, 'carol'),
  ]);
  await look(await browsers.page(fleet.url), 'signing in');
  await dial(alice, 'bob');
  await bob.getByRole('dialog', { name: 'Incoming call' }).waitFor();
  await look(bob, 'ringing');
  await look(alice, 'dialing');
  await answer(bob);
  await Promise.all([alice, bob].map(connected));
  await bob.getByRole('toolbar').getByRole('button', { name: 'Share your screen' }).click();
  await alice.getByRole('region', { name: 'Shared screens' }).waitFor();
  await alice.getByRole('toolbar').getByRole('button', { name: 'People' }).click();
  await alice.getByRole('button', { name: 'Stop pictures of bob' }).waitFor();
  await look(bob, 'in a call, sharing a screen');
  await look(alice, 'in a call, looking at a screen and at people');
  await bob.getByRole('toolbar').getByRole('button', { name: 'Stop sharing your screen' }).click();
  await bob.getByRole('toolbar').getByRole('button', { name: 'Devices' }).click();
  await bob.getByRole('radio').first().waitFor();
  await look(bob, 'in a call, choosing devices');
  await alice.getByRole('navigation').getByRole('button', { name: 'People' }).click();
  await bob.getByRole('navigation').getByRole('button', { name: 'Devices' }).click();
  await look(bob, 'devices, in a call');
  await look(alice, 'who is here, in a call');
  await bob.getByRole('region', { name: 'Call under way' }).getByRole('button', { name: 'Return' }).click();
  await hangUp(bob, [], 'bob');
  await alice.getByText('bob hung up').waitFor();
  await bob.getByText('alice called you').waitFor();
  await bob.getByRole('button', { name: 'Details' }).first().click();
  await bob.getByText('call.ended').waitFor();
  await alice.getByRole('navigation').getByRole('button', { name: 'Phone' }).click();
  await alice.getByRole('textbox', { name: 'Find somebody' }).fill('carol');
  await alice.getByRole('button', { name: `Call ${longName}`, exact: true }).click();
  await (await ringOf(carol)).decline({ reason: 'busy' });
  await alice
    .getByText(/declined: is busy/)
    .first()
    .waitFor();
  await look(bob, 'whom to call, with details');
  await look(alice, 'after a decline by a long name');
  expect(faults).toEqual([]);
}, 180_000);

test('axe finds a button without a name, words too pale on either ground, and what is wider than the page', async () => {
  const page = await browsers.page(fleet.url);
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await page.evaluate(() => {
    const button = document.createElement('button');
    button.style.width = '400px';
    const pale = document.createElement('p');
    pale.textContent = 'pale';
    pale.style.cssText = 'color: #808080; background: #777';
    document.querySelector('main')?.append(button, pale);
  });
  const faults = await faultsOf(page, 'spoilt');
  expect(faults.filter((fault) => fault.includes('button-name'))).toHaveLength(1);
  expect(faults.filter((fault) => fault.includes('color-contrast'))).toHaveLength(everyLook ? 4 : 2);
  expect(faults.filter((fault) => fault.includes('wider than the page'))).toHaveLength(2);
});

test('with nine people on the width of a phone the controls of the call are in view, and no picture hides them', async () => {
  const others = await Promise.all(Array.from({ length: 8 }, (_, number) => phones.connect(app, `guest-${number}`)));
  const alice = await pageOf(browsers, fleet, app, 'alice', { width: 390, height: 800 });
  for (const { center } of others) await alice.getByRole('checkbox', { name: `Pick ${center.userAlias}` }).check();
  await alice.getByRole('button', { name: 'Call 8 people', exact: true }).click();
  await Promise.all(others.map(async (phone: Phone) => (await ringOf(phone)).answer()));
  await connected(alice);
  await eventually('all of them being shown', async () => (await alice.locator('.tiles .tile').count()) === 8);
  const controls = alice.getByRole('toolbar').getByRole('button');
  expect(await controls.count()).toBeGreaterThanOrEqual(5);
  for (const control of await controls.all()) {
    const box = await control.boundingBox();
    expect(box && box.x >= 0 && box.x + box.width <= 390 && box.y + box.height <= 800 && box.width >= 44 && box.height >= 44).toBe(true);
    // What lies at its middle is the control itself.
    const isOnTop = await control.evaluate((element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return element.contains(document.elementFromPoint(x + width / 2, y + height / 2));
    });
    expect(isOnTop).toBe(true);
  }
  // Whoever is last is seen past one's own picture.
  await alice.locator('.tiles').evaluate((tiles) => tiles.scrollTo(0, tiles.scrollHeight));
  const last = await alice.locator('.tiles .tile').last().boundingBox();
  const own = await alice.locator('.tile.own').boundingBox();
  expect(last && own && last.y + last.height <= own.y, JSON.stringify({ last, own })).toBe(true);
  await hangUp(alice, [], 'alice');
});
