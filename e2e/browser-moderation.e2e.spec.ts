/*
 * Who called keeps order on the page: switches others off, lets them speak again, lets nobody more in; others raise their hand, and see why
 * what they switch on stays off.
 */
import { Browsers, Fleet } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';
import { answer, connected, dial, hangUp, pageOf } from './phone-page.js';

const fleet = new Fleet();
const browsers = new Browsers();
afterAll(() => browsers.quit());

test('whoever is muted by the caller sees by whom, cannot switch on meanwhile, and asks for the word', async () => {
  const app = await fleet.makeApp();
  const [alice, bob] = await Promise.all([pageOf(browsers, fleet, app, 'alice'), pageOf(browsers, fleet, app, 'bob')]);
  await dial(alice, 'bob');
  await answer(bob);
  await Promise.all([alice, bob].map(connected));
  await alice.getByRole('toolbar').getByRole('button', { name: 'People' }).click();
  await alice.getByRole('button', { name: 'Mute bob' }).click();
  const why = bob.getByText('The others do not hear you: alice has decided that your microphone stays off.');
  await why.waitFor();
  const microphone = bob.getByRole('toolbar').getByRole('button', { name: 'Microphone' });
  await microphone.and(bob.locator('[aria-pressed=false]')).waitFor();
  await microphone.click();
  expect(await microphone.getAttribute('aria-pressed')).toBe('false');

  await bob.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await bob.getByRole('button', { name: 'Raise your hand' }).click();
  await alice.getByText('with a raised hand').waitFor();
  await alice.getByRole('button', { name: 'Let nobody more in' }).click();
  await alice.getByRole('button', { name: 'Let more people in' }).waitFor();
  await alice.getByRole('button', { name: 'Let bob speak' }).click();
  await why.waitFor({ state: 'detached' });
  await microphone.click();
  await microphone.and(bob.locator('[aria-pressed=true]')).waitFor();
  await hangUp(alice, [bob], 'alice');
}, 90_000);
