/*
 * What the page shows of calls, people and devices, in real browsers, to the eye and to the keyboard.
 */
import { Browsers, eventually, Fleet, MailServer, Phones, type TestApp } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { answer, connected, dial, hangUp, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
const phones = new Phones(fleet);
let app: TestApp;

// Calls last longer than this: whoever joins its media in time is not taken out.
const mediaSetupSeconds = 6;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds, callWaiting: true } });
});

afterEach(async () => {
  phones.closeAll();
  await browsers.closeAll();
});
afterAll(() => browsers.quit());

const signIn = (userAlias: string, size?: { width: number; height: number }): Promise<Page> =>
  pageOf(browsers, fleet, app, userAlias, size);
const show = (page: Page, name: 'Phone' | 'People' | 'Devices') => page.getByRole('navigation').getByRole('button', { name }).click();
const ring = (page: Page) => page.getByRole('dialog', { name: 'Incoming call' });

test('a call is declined with a reason, and the next one is cancelled', async () => {
  const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
  await dial(alice, 'bob');
  await bob.getByRole('button', { name: 'Decline with a reason' }).click();
  await bob.getByRole('button', { name: 'I am busy' }).click();
  await alice.getByRole('status').getByText('bob declined: is busy').waitFor();
  await bob.getByText('You declined the call from alice').waitFor();
  await alice.getByRole('region', { name: 'Recent calls' }).getByText('bob declined: is busy').waitFor();
  await alice.getByRole('button', { name: 'Details' }).first().click();
  await alice.getByRole('region', { name: 'What happened' }).getByText('bob · busy').waitFor();

  await dial(alice, 'bob');
  await ring(bob).waitFor();
  await alice.getByRole('button', { name: 'Cancel' }).click();
  await ring(bob).waitFor({ state: 'detached' });
  await bob.getByRole('status').getByText('Missed call from alice').waitFor();
  await alice.getByText('You cancelled the call', { exact: true }).waitFor();
});

test('a press on Call reaches whom it was meant for, who comes in while it is held', async () => {
  const alice = await signIn('alice');
  await alice.getByRole('textbox', { name: 'Find somebody' }).fill('zoe');
  await alice.getByRole('button', { name: 'Call zoe', exact: true }).hover();
  await alice.mouse.down();
  await phones.connect(app, 'zoe');
  await alice.getByRole('region', { name: 'Whom to call' }).getByText('online').waitFor();
  await alice.mouse.up();
  await alice.getByRole('button', { name: 'Cancel' }).click();
  await alice.getByText('You cancelled the call', { exact: true }).waitFor();
});

test('the wall shows who is where and with whom, live; it is sorted and searched; devices are named as people name them', async () => {
  const [alice, bob, carol] = await Promise.all([signIn('alice'), signIn('bob'), signIn('carol')]);
  await show(carol, 'People');
  const row = (name: string) =>
    carol
      .getByRole('row')
      .filter({ has: carol.getByRole('cell', { name, exact: true }) })
      .first();
  await row('bob').getByText('online').waitFor();
  await dial(alice, 'bob');
  await row('bob').getByText('is called by alice').waitFor();
  await answer(bob);
  await row('alice').getByText('talks with bob').waitFor();
  await row('alice').getByText('Chrome on Linux').waitFor();
  await carol.getByRole('textbox', { name: 'Find a person' }).fill('bob');
  await eventually('only the two of them being shown', async () => (await carol.getByRole('row').count()) === 3);
  await carol.getByRole('textbox', { name: 'Find a person' }).fill('');
  await carol.getByRole('button', { name: 'Status' }).click();
  await carol.getByRole('columnheader', { name: 'Status' }).and(carol.locator('[aria-sort=ascending]')).waitFor();
  await show(carol, 'Devices');
  await eventually('two devices being busy', async () => (await carol.getByText('busy', { exact: true }).count()) === 2);
  expect(await carol.getByRole('table').textContent()).not.toMatch(/[0-9a-f]{8}/);
  await bob.getByRole('button', { name: 'Hang up' }).click();
  await eventually('nobody being busy', async () => (await carol.getByText('busy', { exact: true }).count()) === 0);
});

test('nobody answers: the ring ends on both sides after the ring time, and an absent callee gets an e-mail', async () => {
  const short = await fleet.makeApp({ options: { ringSeconds: 5 } });
  await fleet.makeUser(short, 'carol', { name: 'Carol Cooper', email: 'carol@example.com' });
  const mail = await MailServer.start(fleet);
  try {
    const [alice, bob] = await Promise.all(['alice', 'bob'].map((who) => pageOf(browsers, fleet, short, who)));
    if (!alice || !bob) throw new Error('two pages were opened');
    await dial(alice, 'bob');
    await ring(bob).waitFor();
    await alice.getByRole('status').getByText('bob did not answer').waitFor({ timeout: 12_000 });
    await ring(bob).waitFor({ state: 'detached' });
    await bob.getByRole('status').getByText('Missed call from alice').waitFor();

    // Somebody whom the list may not have is called by alias, and then called by name.
    await alice.getByRole('textbox', { name: 'Find somebody' }).fill('carol');
    await alice.keyboard.press('Enter');
    await alice.getByRole('status').getByText('Carol Cooper did not answer').waitFor({ timeout: 12_000 });
    const [sent] = await eventually('the e-mail of the missed call', () => mail.mails.length > 0 && mail.mails, 20_000);
    expect(sent?.subject).toBe('Missed call from alice');
    expect(sent?.to).toMatchObject({ text: 'carol@example.com' });
    expect(sent?.text).toContain('Hello Carol Cooper');
  } finally {
    await mail.stop();
  }
});

const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.tagName);

test('the phone works by keyboard alone, on the width of a phone', async () => {
  const [alice, bob] = await Promise.all([signIn('alice', { width: 390, height: 800 }), signIn('bob', { width: 390, height: 800 })]);
  // Whoever writes goes on writing.
  await bob.getByRole('textbox', { name: 'Find somebody' }).focus();
  await alice.getByRole('textbox', { name: 'Find somebody' }).fill('bob');
  await alice.keyboard.press('Enter');
  await ring(bob).waitFor();
  await bob.keyboard.type('al');
  await bob.keyboard.press('Escape');
  expect(await bob.getByRole('textbox', { name: 'Find somebody' }).inputValue()).toBe('al');
  await ring(bob).getByText('Escape silences it').waitFor();
  await alice.getByRole('button', { name: 'Cancel' }).focus();
  await alice.keyboard.press('Enter');
  await ring(bob).waitFor({ state: 'detached' });
  expect(await alice.evaluate(() => document.activeElement !== document.body)).toBe(true);

  // Whoever does not has the focus on the answer; Escape gives it back.
  await bob.getByRole('button', { name: 'Sign out' }).focus();
  await dial(alice, 'bob');
  await eventually('the focus on Answer', async () => (await focused(bob)) === 'Answer');
  // No key acts in the first moment.
  await new Promise((resolve) => setTimeout(resolve, 700));
  await bob.keyboard.press('Escape');
  await ring(bob).getByText('Silent on this device').waitFor();
  expect(await focused(bob)).toBe('Sign out');
  await ring(bob).getByRole('button', { name: 'Answer' }).focus();
  await bob.keyboard.press('Enter');
  await connected(alice);
  expect(await bob.evaluate(() => document.activeElement?.className)).toContain('stage');
  expect(await alice.evaluate(() => document.documentElement.scrollWidth > window.innerWidth)).toBe(false);
  await alice.getByRole('button', { name: 'Hang up' }).focus();
  await alice.keyboard.press('Enter');
  await bob.getByText('alice hung up', { exact: true }).waitFor();
});

test('a reload keeps who is signed in and the call; the back button asks; a duplicated tab is a device of its own', async () => {
  const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
  await dial(alice, 'bob');
  await answer(bob);
  await Promise.all([alice, bob].map(connected));
  const device = () => alice.evaluate(() => sessionStorage.getItem('communication-center.pageDevice'));
  const before = await device();
  await alice.reload();
  await connected(alice);
  expect(await device()).toBe(before);
  await alice.evaluate(() => history.back());
  await alice.getByRole('alert').getByText('You are in a call').waitFor();
  await alice.getByRole('button', { name: 'Stay in the call' }).click();
  await connected(alice);
  // A tab that is duplicated begins with a copy of what the first one keeps.
  const [copy] = await Promise.all([alice.waitForEvent('popup'), alice.evaluate(() => void window.open(location.href))]);
  await copy.getByRole('region', { name: 'Whom to call' }).waitFor();
  expect(await copy.evaluate(() => sessionStorage.getItem('communication-center.pageDevice'))).not.toBe(before);
  await hangUp(bob, [alice], 'bob');
});
