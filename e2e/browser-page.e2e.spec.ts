/*
 * What the page does in a browser with presses that last, rings that end, reloads, the back button and tabs that are duplicated.
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
const ring = (page: Page) => page.getByRole('dialog', { name: 'Incoming call' });

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
