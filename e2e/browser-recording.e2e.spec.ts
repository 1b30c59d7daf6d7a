/*
 * Who called has the call recorded from the page, pauses and ends that; everybody in the call sees how it stands, and only who called has the
 * choice. For npm run check:long: EVERY_RECORDING.
 */
import { Browsers, Fleet } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { answer, connected, dial, hangUp, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
afterAll(() => browsers.quit());

const more = (page: Page) => page.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
const choose = async (page: Page, name: string) => {
  await more(page);
  await page.getByRole('button', { name }).click();
};

test.runIf(process.env.EVERY_RECORDING === 'true')(
  'a call is recorded, paused and recorded on by who called, and both see it',
  async () => {
    const app = await fleet.makeApp({ options: { usersMayRecord: true } });
    const [alice, bob] = await Promise.all([pageOf(browsers, fleet, app, 'alice'), pageOf(browsers, fleet, app, 'bob')]);
    const both = [alice, bob];
    await dial(alice, 'bob');
    await answer(bob);
    await Promise.all(both.map(connected));
    await choose(alice, 'Record this call');
    for (const page of both) await page.getByText('This call is being recorded.').waitFor();
    await more(bob);
    await bob.getByRole('button', { name: 'Raise your hand' }).waitFor();
    expect(await bob.getByRole('button', { name: /recording|Record/ }).count()).toBe(0);
    await bob.keyboard.press('Escape');
    await choose(alice, 'Pause the recording');
    for (const page of both) await page.getByText('The recording of this call is paused.').waitFor();
    await choose(alice, 'Go on recording');
    for (const page of both) await page.getByText('This call is being recorded.').waitFor();
    await choose(alice, 'Stop recording');
    for (const page of both) await page.getByText('This call is being recorded.').waitFor({ state: 'detached' });
    await hangUp(alice, [bob], 'alice');
  },
  90_000,
);

test.runIf(process.env.EVERY_RECORDING === 'true')(
  'where the app lets servers alone record, the page says that it may not',
  async () => {
    const app = await fleet.makeApp();
    const [alice, bob] = await Promise.all([pageOf(browsers, fleet, app, 'alice'), pageOf(browsers, fleet, app, 'bob')]);
    await dial(alice, 'bob');
    await answer(bob);
    await Promise.all([alice, bob].map(connected));
    await choose(alice, 'Record this call');
    await alice.getByText('You may not do that').waitFor();
    await hangUp(alice, [bob], 'alice');
  },
  90_000,
);
