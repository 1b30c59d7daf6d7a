/*
 * What the page shows of calls, people and devices, in real browsers, to the eye and to the keyboard.
 */
import { Browsers, eventually, Fleet, MailServer, type TestApp } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { dial, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
let app: TestApp;

// Calls last longer than this: whoever joins its media in time is not taken out.
const mediaSetupSeconds = 6;

beforeAll(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds, callWaiting: true } });
});

afterEach(() => browsers.closeAll());
afterAll(() => browsers.quit());

const signIn = (userAlias: string, size?: { width: number; height: number }): Promise<Page> =>
  pageOf(browsers, fleet, app, userAlias, size);

const timelineOf = (page: Page) => page.getByRole('region', { name: 'What happened' });

test('a call is declined with a reason, and the next one is cancelled', async () => {
  const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
  await dial(alice, 'bob');
  await bob.getByRole('button', { name: 'Decline with a reason' }).click();
  await bob.getByRole('menuitem', { name: 'I am busy' }).click();
  await alice.getByText('Declined: busy', { exact: true }).first().waitFor();
  await timelineOf(alice).getByText('bob · busy').waitFor();

  await dial(alice, 'bob');
  await bob.getByRole('button', { name: 'Answer', exact: true }).waitFor();
  await alice.getByRole('button', { name: 'Cancel' }).click();
  await bob.getByRole('dialog').waitFor({ state: 'detached' });
  await bob.getByText('Cancelled', { exact: true }).first().waitFor();
});

test('the wall shows who is where and with whom, live; it is sorted, searched and followed', async () => {
  const [alice, bob, carol] = await Promise.all([signIn('alice'), signIn('bob'), signIn('carol')]);
  await carol.getByRole('tab', { name: 'People' }).click();
  const row = (name: string) =>
    carol
      .getByRole('row')
      .filter({ has: carol.getByRole('cell', { name, exact: true }) })
      .first();
  await row('bob').getByText('online').waitFor();
  await dial(alice, 'bob');
  await row('bob').getByText('is called by').waitFor();
  await bob.getByRole('button', { name: 'Answer', exact: true }).click();
  await row('alice').getByText('talks with').waitFor();
  await row('alice').getByRole('button', { name: 'bob' }).click();
  await eventually('only the two of them being shown', async () => (await carol.getByRole('row').count()) === 3);
  await carol.getByRole('textbox', { name: 'Search people' }).fill('');
  await carol.getByRole('button', { name: 'Status' }).click();
  await carol.getByRole('columnheader', { name: 'Status' }).and(carol.locator('[aria-sort=ascending]')).waitFor();
  await carol.getByRole('tab', { name: 'Devices' }).click();
  await eventually('two devices being busy', async () => (await carol.getByText('busy', { exact: true }).count()) === 2);
  await bob.getByRole('button', { name: 'Hang up' }).click();
  await eventually('nobody being busy', async () => (await carol.getByText('busy', { exact: true }).count()) === 0);
});

test('nobody answers: the ring ends on both sides after the ring time, and an absent callee gets an e-mail', async () => {
  const short = await fleet.makeApp({ options: { ringSeconds: 5 } });
  app = short;
  await fleet.makeUser(short, 'carol', { name: 'Carol Cooper', email: 'carol@example.com' });
  const mail = await MailServer.start(fleet);
  try {
    const [alice, bob] = await Promise.all([signIn('alice'), signIn('bob')]);
    await dial(alice, 'bob');
    await bob.getByRole('button', { name: 'Answer', exact: true }).waitFor();
    await alice.getByText('No answer', { exact: true }).first().waitFor({ timeout: 12_000 });
    await bob.getByRole('dialog').waitFor({ state: 'detached' });
    await bob.getByText('No answer', { exact: true }).first().waitFor();

    await dial(alice, 'carol');
    await timelineOf(alice).getByText('carol · no_answer').waitFor({ timeout: 12_000 });
    const [sent] = await eventually('the e-mail of the missed call', () => mail.mails.length > 0 && mail.mails, 20_000);
    expect(sent?.subject).toBe('Missed call from alice');
    expect(sent?.to).toMatchObject({ text: 'carol@example.com' });
    expect(sent?.text).toContain('Hello Carol Cooper');
  } finally {
    await mail.stop();
  }
});

test('the phone works by keyboard alone, on the width of a phone', async () => {
  const [alice, bob] = await Promise.all([signIn('alice', { width: 390, height: 800 }), signIn('bob', { width: 390, height: 800 })]);
  await alice.getByRole('textbox', { name: 'Call' }).focus();
  await alice.keyboard.type('bob');
  await alice.keyboard.press('Enter');
  // The ring puts the focus on its answer button.
  await eventually('the focus on Answer', () => bob.evaluate(() => document.activeElement?.textContent === 'Answer'));
  await bob.keyboard.press('Enter');
  await alice.getByText('Connected', { exact: true }).waitFor();
  const tooWide = await alice.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(tooWide).toBe(false);
  await alice.getByRole('button', { name: 'Hang up' }).focus();
  await alice.keyboard.press('Enter');
  await bob.getByText('Hung up', { exact: true }).first().waitFor();
});
