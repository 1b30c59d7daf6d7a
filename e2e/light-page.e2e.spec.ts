/* The page is light: little goes over the wire at first, and next to nothing the second time. */
import { Browsers, Fleet } from '@communication-center/testing';
import type { Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';

const fleet = new Fleet();
const browsers = new Browsers();
const mostBytes = 250_000;

afterAll(() => browsers.quit());

/** @returns bytes of all answers as they went over the wire, headers and all, counted by the browser. */
async function bytesOf(page: Page, load: () => Promise<unknown>): Promise<number> {
  const line = await page.context().newCDPSession(page);
  await line.send('Network.enable');
  let bytes = 0;
  line.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await load();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await page.waitForLoadState('networkidle');
  await line.detach();
  return bytes;
}

test('the first load is small, and the next one asks for the page alone', async () => {
  const page = await browsers.page('about:blank');
  const first = await bytesOf(page, () => page.goto(fleet.url));
  expect(first).toBeGreaterThan(10_000);
  expect(first).toBeLessThan(mostBytes);
  // As somebody who comes back does: what is kept for a year is not asked about.
  await page.goto('about:blank');
  expect(await bytesOf(page, () => page.goto(fleet.url))).toBeLessThan(2000);
});
